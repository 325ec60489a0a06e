"use strict";

const fs = require("node:fs");
const http = require("node:http");
const path = require("node:path");
const { parse } = require("./env.js");

const version = fs.readFileSync(path.join(__dirname, "../../version.txt"), "utf8").trim();
const config = readConfig(path.join(__dirname, ".env"));
const notes = []; // of this instance alone, gone when it ends: a real platform has a database

const routes = {
  "GET /api/health": () => ({ status: "ok", version }),
  "GET /api/env": () => ({ greeting: config.GREETING, instance: process.env.PMO_INSTANCE ?? "0" }), // never a secret
  "GET /api/notes": () => notes,
  "POST /api/notes": (body) => {
    const { text } = JSON.parse(body);
    if (typeof text !== "string" || text === "") throw new TypeError("a note needs a text");
    const note = { id: notes.length + 1, text };
    notes.push(note);
    return note;
  },
};

function readConfig(file) {
  const values = fs.existsSync(file) ? parse(fs.readFileSync(file, "utf8")) : {};
  const missing = ["DATABASE_URL", "JWT_SECRET"].filter((key) => !values[key]);
  if (missing.length > 0) {
    console.error(`${file}: no value for ${missing.join(", ")}`);
    process.exit(1);
  }
  return values;
}

async function bodyOf(request) {
  let body = "";
  for await (const chunk of request.setEncoding("utf8")) {
    body += chunk;
    if (body.length > 65536) throw new RangeError("at most 64 KiB");
  }
  return body;
}

async function handle(request, response) {
  const [status, answer] = await answerTo(request);
  if (stopping) response.setHeader("Connection", "close");
  response.writeHead(status, { "Content-Type": "application/json", "Cache-Control": "no-store" });
  response.end(JSON.stringify(answer) + "\n");
}

async function answerTo(request) {
  const route = routes[`${request.method} ${request.url.split("?")[0]}`];
  if (!route) return [404, { error: "no such thing" }];
  try {
    return [request.method === "POST" ? 201 : 200, route(await bodyOf(request))];
  } catch (error) {
    return [400, { error: error.message }];
  }
}

const server = http.createServer(handle);
server.keepAliveTimeout = 75_000; // longer than nginx keeps its side, so that nginx never writes into a closing one

let stopping = false;
for (const signal of ["SIGTERM", "SIGINT"]) {
  process.once(signal, () => {
    stopping = true;
    console.log(`${signal}: finishing the requests in flight`);
    server.close(() => console.log("stopped")); // with no connection left, the process ends
    server.closeIdleConnections();
  });
}

const { SOCKET, PORT = "3000" } = process.env;
if (SOCKET) fs.rmSync(SOCKET, { force: true }); // left by a predecessor that was killed
const place = SOCKET ? { path: SOCKET } : { host: "127.0.0.1", port: Number(PORT) };
server.listen(place, () => console.log(`pmo api ${version} on ${SOCKET ?? `127.0.0.1:${PORT}`}`));
