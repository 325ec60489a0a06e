"""A client that checks each reply that it gets, for the load tests: what wrk counts says nothing about content.

load_client.py requests PORT HOST PATH UNTIL   asks again and again, by four threads, two of which keep their connection
load_client.py websocket PORT HOST UNTIL       sends a frame each 50 ms on one connection, and wants it back

Both end when the file UNTIL is there, and print what they have seen as JSON. A reply is right when its status is 200 and
its body is a line of as many bytes as it says. Of each run of equal replies two times are kept, by CLOCK_MONOTONIC: when
the first one had come, and when the last one was asked for.
"""

import http.client
import json
import os
import socket
import sys
import threading
import time

LIMIT = 60


def ask(connection, host, path, headers):
    connection.request("GET", path, headers={"Host": host, **headers})
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != 200:
        raise ValueError(f"status {answer.status}")
    if not body.endswith(b"\n") or len(body) != int(answer.headers.get("Content-Length", len(body))):
        raise ValueError(f"body {body[:60]!r}")
    return body.decode().strip()


def requests(port, host, path, until):
    result = {"replies": 0, "errors": [], "runs": []}
    guard = threading.Lock()

    def work(keep):
        runs, replies, errors, connection = [], 0, [], None
        while not os.path.exists(until):
            begun = time.monotonic()
            try:
                connection = connection or http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT)
                version = ask(connection, host, path, {} if keep else {"Connection": "close"})
            except (OSError, http.client.HTTPException, ValueError) as error:
                errors.append(f"{type(error).__name__}: {error}")
                if len(errors) == 1:
                    print(f"error: {errors[0]}", file=sys.stderr, flush=True)
                if connection:
                    connection.close()
                connection = None
                continue
            replies += 1
            if not runs or runs[-1]["version"] != version:
                runs.append({"version": version, "came": time.monotonic()})
            runs[-1]["asked"] = begun
            if not keep:
                connection.close()
                connection = None
            # As many requests as the machine can take are wrk's business.
            time.sleep(0.005)
        with guard:
            result["replies"] += replies
            result["errors"] += errors
            result["runs"].append(runs)

    threads = [threading.Thread(target=work, args=(number % 2 == 0,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    result["errorCount"] = len(result["errors"])
    result["errors"] = result["errors"][:5]
    return result


def frame(text):
    # Masked, as a client must (RFC 6455, 5.3); the mask of zeros is one as well.
    return bytes([0x81, 0x80 | len(text)]) + bytes(4) + text


def websocket(port, host, until):
    with socket.create_connection(("127.0.0.1", port), timeout=LIMIT) as connection:
        connection.sendall(
            f"GET /socket HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        stream = connection.makefile("rb")
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = stream.readline()
            if not line:
                return {"echoes": 0, "error": f"no upgrade: {head[:80]!r}"}
            head += line
        if not head.startswith(b"HTTP/1.1 101"):
            return {"echoes": 0, "error": f"no upgrade: {head[:80]!r}"}
        echoes = 0
        print("open", file=sys.stderr, flush=True)
        while not os.path.exists(until):
            text = b"%d" % echoes
            try:
                connection.sendall(frame(text))
                answer = stream.read(2 + len(text))
            except OSError as error:
                return {"echoes": echoes, "error": str(error)}
            if answer != bytes([0x81, len(text)]) + text:
                return {"echoes": echoes, "error": f"answered {answer!r}"}
            echoes += 1
            time.sleep(0.05)
        return {"echoes": echoes, "error": None}


def main():
    kind, port, host, *rest = sys.argv[1:]
    seen = requests(int(port), host, *rest) if kind == "requests" else websocket(int(port), host, *rest)
    print(json.dumps(seen))


main()
