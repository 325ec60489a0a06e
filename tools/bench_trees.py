"""The repositories that exports are measured with. Both are bare, and packed as git packs them."""

import os
import pathlib
import shutil
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache/bench"
KERNEL_PACKAGE = "linux-source-6.1"
GENERATED_FILES = 10_000
ENVIRONMENT = {
    "PATH": os.environ["PATH"], "HOME": "/nonexistent", "LANG": "C.UTF-8", "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1", "GIT_AUTHOR_NAME": "Bench", "GIT_AUTHOR_EMAIL": "bench@localhost",
    "GIT_COMMITTER_NAME": "Bench", "GIT_COMMITTER_EMAIL": "bench@localhost",
    "GIT_AUTHOR_DATE": "1700000000 +0000", "GIT_COMMITTER_DATE": "1700000000 +0000",
}


def run(*command, data=None, directory=None, **adding):
    """Runs a command to its good end, and returns what it wrote."""
    done = subprocess.run(
        [str(word) for word in command], env=ENVIRONMENT | adding, capture_output=True, input=data, timeout=1800,
        cwd=directory, check=False)
    if done.returncode != 0:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-3:]
        raise RuntimeError(f"{command[0]} ended with {done.returncode}: {' / '.join(last)}")
    return done.stdout.decode(errors="replace").strip()


def generated(place):
    """A repository with a tree of many small files, made in the directory."""
    repository = place / "generated.git"
    run("git", "init", "-q", "--bare", "-b", "main", repository)
    stream = ["commit refs/heads/main\ncommitter Bench <bench@localhost> 1700000000 +0000\ndata 0\n"]
    for number in range(GENERATED_FILES):
        text = "".join(f"{number} {line}: a line of a small file\n" for line in range(number % 60))
        stream.append(f"M 100644 inline d{number % 40}/e{number % 800}/f{number}\ndata {len(text)}\n{text}\n")
    run("git", "--git-dir", repository, "fast-import", "--quiet", data="".join(stream).encode())
    run("git", "--git-dir", repository, "repack", "-adq")
    return repository


def kernel():
    """A repository with the tree of Debian's kernel source in one commit. Made once, in minutes, and kept."""
    repository = CACHE / "kernel.git"
    if repository.exists():
        return repository
    CACHE.mkdir(parents=True, exist_ok=True)
    place = pathlib.Path(tempfile.mkdtemp(prefix="kernel-", dir=CACHE))
    try:
        run("apt-get", "-q", "download", KERNEL_PACKAGE, directory=place)
        package = next(place.glob("*.deb"))
        run("dpkg-deb", "--extract", package, place / "package")
        archive = place / "package/usr/src" / f"{KERNEL_PACKAGE}.tar.xz"
        run("tar", "-xJf", archive, "-C", place)
        made, tree = place / "made.git", place / KERNEL_PACKAGE
        run("git", "init", "-q", "--bare", "-b", "main", made)
        git = ["git", "--git-dir", made, "--work-tree", tree, "-c", "core.looseCompression=0", "-c", "core.fsync=none"]
        run(*git, "add", "--all", "--force", ".", directory=tree)
        run(*git, "commit", "-q", "-m", "The kernel", directory=tree)
        run("git", "--git-dir", made, "repack", "-adq")
        made.rename(repository)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    return repository
