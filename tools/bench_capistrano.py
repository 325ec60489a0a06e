"""Capistrano beside us: the peer that Debian has a package of. It deploys over ssh to this machine, as it would to a host."""

import getpass
import pathlib
import shutil
import socket
import subprocess
import time

CAPFILE = """require "capistrano/setup"
require "capistrano/deploy"
require "capistrano/scm/git"
install_plugin Capistrano::SCM::Git
"""
DEPLOY = """lock false
set :application, "site"
set :repo_url, "{repository}"
set :branch, "main"
set :deploy_to, "{place}/site"
set :keep_releases, 5
set :format, :dot
"""
STAGE = """server "127.0.0.1", user: "{user}", port: {port}, roles: %w[web],
  ssh_options: {{ keys: ["{place}/key"], auth_methods: %w[publickey], user_known_hosts_file: "/dev/null",
                  verify_host_key: :never, config: false, forward_agent: false }}
"""
SSHD = """Port {port}
ListenAddress 127.0.0.1
HostKey {place}/host_key
AuthorizedKeysFile {place}/key.pub
PidFile {place}/sshd.pid
StrictModes no
UsePAM no
PermitRootLogin prohibit-password
PasswordAuthentication no
"""


def missing():
    """What is not installed of what this peer needs; empty where it can run."""
    programs = {"cap": "capistrano", "/usr/sbin/sshd": "openssh-server", "ssh-keygen": "openssh-client"}
    return [package for program, package in programs.items() if not shutil.which(program)]


class Capistrano:
    """A project that Capistrano deploys to this machine by an sshd of its own on loopback."""

    def __init__(self, bench, repository):
        self.bench = bench
        self.place = pathlib.Path(bench.place) / "capistrano"
        (self.place / "config/deploy").mkdir(parents=True)
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            port = listener.getsockname()[1]
        values = {"place": self.place, "repository": repository, "port": port, "user": getpass.getuser()}
        files = {"Capfile": CAPFILE, "config/deploy.rb": DEPLOY, "config/deploy/production.rb": STAGE, "sshd": SSHD}
        for name, text in files.items():
            (self.place / name).write_text(text.format(**values))
        for key in ("key", "host_key"):
            bench.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.place / key)
        pathlib.Path("/run/sshd").mkdir(exist_ok=True)
        self.server = subprocess.Popen(
            ["/usr/sbin/sshd", "-D", "-f", self.place / "sshd", "-E", self.place / "sshd.log"])
        self.wait(port)

    @staticmethod
    def wait(port):
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
            time.sleep(0.05)
        raise RuntimeError("sshd does not answer on loopback")

    def deploy(self):
        """Milliseconds of one `cap production deploy`."""
        return self.bench.run("cap", "production", "deploy", directory=self.place)[1]

    def rollback(self):
        """Milliseconds of one `cap production deploy:rollback`."""
        return self.bench.run("cap", "production", "deploy:rollback", directory=self.place)[1]

    def end(self):
        """Ends the sshd."""
        self.server.terminate()
        self.server.wait(10)
