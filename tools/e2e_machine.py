"""Debian and Ubuntu machines for tools/e2e: debootstrapped once, copied for each run, booted with their own systemd by
nspawn, and reached from a network namespace that stands for the outside."""

import ctypes
import hashlib
import os
import pathlib
import shutil
import signal
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache" / "e2e"
# What a small server has on the day that it is set up; python3 is what the pushed app is written in.
BASE = [
    "systemd",
    "systemd-sysv",
    "libpam-systemd",
    "dbus",
    "dbus-user-session",
    "openssh-server",
    "ca-certificates",
    "apt",
    "iproute2",
    "python3-minimal",
    "libpython3-stdlib",
]
# What is Ubuntu's, what it has besides, and the package that brings its key, which no package of Debian 12 does.
UBUNTU = {"noble"}
UBUNTU_BASE = ["apparmor"]
UBUNTU_KEYS = (
    "pool/main/u/ubuntu-keyring/ubuntu-keyring_2023.11.28.1_all.deb",
    "36de43b15853ccae0028e9a767613770c704833f82586f28eb262f0311adb8a8",
)
ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LANG": "C.UTF-8",
    "DEBIAN_FRONTEND": "noninteractive",
}
OUTSIDE, INSIDE = "10.213.7.1", "10.213.7.2"


class Unable(Exception):
    """This host cannot boot machines."""


class Failed(Exception):
    """A command that had to succeed did not."""


def run(words, check=True, timeout=600, **options):
    """Runs a command and gives back its status and what it said, both streams in one."""
    options.setdefault("stdin", subprocess.DEVNULL)
    result = subprocess.run(
        [str(word) for word in words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=timeout,
        **options,
    )
    if check and result.returncode != 0:
        raise Failed(f"{' '.join(map(str, words))}: status {result.returncode}\n{result.stdout[-4000:]}")
    return result


def mirror(suite):
    """Where packages come from: Debian's from where this host has its own."""
    if suite in UBUNTU:
        return os.environ.get("PMO_E2E_UBUNTU_MIRROR") or "http://archive.ubuntu.com/ubuntu"
    if os.environ.get("PMO_E2E_MIRROR"):
        return os.environ["PMO_E2E_MIRROR"]
    sites = run(["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"]).stdout.split()
    own = [site for site in sites if site.rstrip("/").endswith("/debian")]
    return own[0].rstrip("/") if own else "http://deb.debian.org/debian"


def ubuntu_keys(place, mirror):
    """The keys that Ubuntu's packages are signed by."""
    file, checksum = UBUNTU_KEYS
    package = place / "keys.deb"
    place.mkdir(parents=True, exist_ok=True)
    run(["curl", "-q", "-fsSL", "--max-time", "60", "-o", package, f"{mirror}/{file}"])
    if hashlib.sha256(package.read_bytes()).hexdigest() != checksum:
        raise Failed(f"{mirror}/{file} is not the package that it was")
    run(["dpkg-deb", "--extract", package, place / "keys"])
    return place / "keys/usr/share/keyrings/ubuntu-archive-keyring.gpg"


def base(suite, downloads):
    """A fresh system with the archives of some packages in its cache, so that apt needs no network; made once."""
    text = "\n".join(
        [suite, *BASE, *UBUNTU_BASE, *downloads, pathlib.Path(__file__).read_text().split("def base")[1].split("\ndef ")[0]]
    )
    place = CACHE / f"{suite}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"
    if (place / "complete").exists():
        return place / "root"
    CACHE.mkdir(parents=True, exist_ok=True)
    for old in CACHE.glob(f"{suite}-*"):
        # A debootstrap that was interrupted has left its mounts, which must not be followed.
        for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines():
            if line.split()[4].startswith(f"{old}/"):
                run(["umount", line.split()[4]], check=False)
        run(["rm", "-rf", "--one-file-system", old])
    root = place / "root"
    options, script = ["--variant=minbase", f"--include={','.join(BASE + UBUNTU_BASE * (suite in UBUNTU))}"], []
    if suite in UBUNTU:
        options += ["--components=main,universe", f"--keyring={ubuntu_keys(place, mirror(suite))}"]
        # This debootstrap may be older than the suite; every suite of Ubuntu is made as this one was.
        script = ["gutsy"]
    run(
        ["debootstrap", *options, suite, root, mirror(suite), *script],
        timeout=1500,
        env=dict(os.environ, **ENVIRONMENT),
    )
    (root / "etc/apt/apt.conf.d/90e2e").write_text('APT::Sandbox::User "root";\n')
    shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
    inside = ["chroot", root, "env", "-i", *[f"{key}={value}" for key, value in ENVIRONMENT.items()]]
    run([*inside, "apt-get", "-q", "update"])
    run([*inside, "apt-get", "-q", "-y", "--download-only", "install", *downloads], timeout=1200)
    (root / "etc/resolv.conf").write_text("")
    (root / "etc/machine-id").write_text("")
    (root / "etc/hostname").write_text("host\n")
    (root / "etc/hosts").write_text("127.0.0.1 localhost\n127.0.1.1 host\n")
    (place / "complete").touch()
    return root


def die_with_parent():
    """A machine ends with the tool that has booted it, also by KILL (prctl(2), PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class Network:
    """Two network namespaces with a cable between them: the machine's, and the outside."""

    def __init__(self):
        self.outside, self.inside = f"pmo-out-{os.getpid()}", f"pmo-in-{os.getpid()}"

    def __enter__(self):
        try:
            # Those of a run that was killed.
            for name in pathlib.Path("/run/netns").glob("pmo-*-*"):
                if not pathlib.Path(f"/proc/{name.name.split('-')[-1]}").exists():
                    run(["ip", "netns", "delete", name.name])
            for name in (self.outside, self.inside):
                run(["ip", "netns", "add", name])
            run(
                [
                    "ip",
                    "link",
                    "add",
                    "cable0",
                    "netns",
                    self.outside,
                    "type",
                    "veth",
                    "peer",
                    "name",
                    "host0",
                    "netns",
                    self.inside,
                ]
            )
            for name, address, cable in ((self.outside, OUTSIDE, "cable0"), (self.inside, INSIDE, "host0")):
                run(["ip", "-n", name, "address", "add", f"{address}/24", "dev", cable])
                for link in ("lo", cable):
                    run(["ip", "-n", name, "link", "set", link, "up"])
        except Failed as error:
            self.__exit__()
            raise Unable(f"no network namespaces here: {error}") from error
        return self

    def __exit__(self, *_):
        for name in (self.outside, self.inside):
            run(["ip", "netns", "delete", name], check=False)

    def command(self, words):
        """A command as it runs outside."""
        return ["ip", "netns", "exec", self.outside, *words]


class Machine:
    """A machine: a copy of a fresh Debian, and the nspawn that it runs in. Ended on leaving, whatever happened."""

    def __init__(self, suite, downloads, network):
        self.suite, self.network = suite, network
        self.place = CACHE / f"run-{os.getpid()}"
        self.root = self.place / "root"
        self.console = self.place / "console.log"
        self.base = base(suite, downloads)
        self.process, self.booted = None, False

    def __enter__(self):
        for old in CACHE.glob("run-*"):
            if not pathlib.Path(f"/proc/{old.name[4:]}").exists():
                run(["rm", "-rf", "--one-file-system", old])
        self.place.mkdir(parents=True, exist_ok=True)
        run(["cp", "-a", "--reflink=auto", self.base, self.root])
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.cut()
        run(["rm", "-rf", "--one-file-system", self.place], check=False)

    def start(self):
        """Switches it on, and waits until its systemd has started everything."""
        words = [
            # nspawn may be killed and its machine go on; in a namespace of its own for processes, nothing does.
            "unshare",
            "--pid",
            "--fork",
            "--kill-child",
            "--mount-proc",
            "--propagation",
            "slave",
            "systemd-nspawn",
            "--quiet",
            "--boot",
            f"--directory={self.root}",
            f"--machine=pmo-e2e-{os.getpid()}",
            "--register=no",
            "--keep-unit",
            "--resolv-conf=off",
            "--timezone=off",
            "--link-journal=no",
            f"--network-namespace-path=/run/netns/{self.network.inside}",
            "--console=pipe",
        ]
        # The machine sees one hierarchy of control groups, as Debian has it, whatever this host has.
        environment = dict(ENVIRONMENT, SYSTEMD_NSPAWN_UNIFIED_HIERARCHY="1")
        with self.console.open("ab") as console:
            self.process = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                env=environment,
                preexec_fn=die_with_parent,
            )
        try:
            self.wait_until_up()
        except Unable as error:
            # What has booted once boots here; that it does not any more is a finding.
            raise Failed(str(error)) if self.booted else error
        self.booted = True

    def wait_until_up(self, seconds=90):
        """Waits for the end of the boot."""
        deadline = time.monotonic() + seconds
        state = "no systemd"
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise Unable(f"systemd-nspawn ended with status {self.process.returncode}: {self.said()}")
            if self.leader():
                state = self.inside("systemctl is-system-running", check=False, timeout=60).stdout.strip()
                if state in ("running", "degraded"):
                    return
            time.sleep(0.1)
        raise Unable(f"the machine did not boot in {seconds} s ({state}): {self.said()}")

    def said(self):
        """The end of the machine's console."""
        return self.console.read_text(errors="replace")[-3000:] if self.console.exists() else ""

    def leader(self):
        """The machine's first process, as this host numbers it."""
        try:
            nspawn = self.children(self.process.pid)
            machine = self.children(nspawn[0]) if nspawn else []
        except OSError:
            return None
        return machine[0] if machine else None

    @staticmethod
    def children(pid):
        tasks = pathlib.Path(f"/proc/{pid}/task")
        return [int(child) for task in tasks.iterdir() for child in (task / "children").read_text().split()]

    def inside(self, script, check=True, timeout=300, **options):
        """Runs a shell script as root on the machine, as somebody who is logged in."""
        words = [
            "nsenter",
            f"--target={self.leader()}",
            "--all",
            "--wdns=/root",
            "env",
            "-i",
            *[f"{key}={value}" for key, value in ENVIRONMENT.items()],
            "sh",
            "-euc",
            script,
        ]
        return run(words, check=check, timeout=timeout, **options)

    def reboot(self):
        """Reboots it as `reboot` does; its processes get their stop signals."""
        self.inside("systemctl reboot", check=False)
        try:
            # Beside other machines of this host a systemd may miss that a unit has ended, and waits its two minutes for it.
            status = self.process.wait(timeout=240)
        except subprocess.TimeoutExpired:
            raise Failed(f"the machine does not come to its end for a reboot: {self.said()}") from None
        # What nspawn ends with where its machine wants to boot again (EXIT_FORCE_RESTART).
        if status != 133:
            raise Failed(f"the machine ended with status {status} in place of a reboot: {self.said()}")
        self.start()

    def cut(self):
        """Takes the power away."""
        if not self.process:
            return
        leader = self.leader()
        self.process.kill()
        self.process.wait(timeout=30)
        deadline = time.monotonic() + 30
        while leader and pathlib.Path(f"/proc/{leader}").exists():
            if time.monotonic() > deadline:
                raise Failed(f"the machine's first process {leader} does not end")
            time.sleep(0.05)
