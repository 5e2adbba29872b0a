"""Files outside the run folder can neither be read nor changed; inside, everything works."""

import ctypes
import fcntl
import os
import shutil
import socket
import stat
from pathlib import Path

import pytest

from azml_magic.sandbox import landlock

LIBC = ctypes.CDLL(None, use_errno=True)

READING = {
    "open": lambda s: s.secret.read_text(),
    "list": lambda s: os.listdir(s.outside),
    "root folder": lambda s: os.listdir("/"),
    "temporary folder": lambda s: os.listdir("/tmp"),
    "users": lambda s: Path("/etc/passwd").read_text(),
    "by link": lambda s: (os.symlink(s.secret, "link"), Path("link").read_text()),
    "by hard link": lambda s: (os.link(s.secret, "link"), Path("link").read_text()),
    "by path descriptor": lambda s: os.open(f"/proc/self/fd/{os.open(s.secret, os.O_PATH)}", 0),
    "by working folder": lambda s: (os.chdir(s.outside), Path("secret.txt").read_text()),
    "environment of the parent": lambda s: Path(f"/proc/{os.getppid()}/environ").read_bytes(),
    "memory of the parent": lambda s: os.open(f"/proc/{os.getppid()}/mem", os.O_RDONLY),
    "descriptors of the parent": lambda s: os.listdir(f"/proc/{os.getppid()}/fd"),
    "processes": lambda s: os.listdir("/proc"),
    "mounts": lambda s: Path("/proc/self/mountinfo").read_text(),
    "network tables": lambda s: Path("/proc/self/net/tcp").read_text(),
    "own folder of /proc": lambda s: os.listdir("/proc/self/"),
    "shared memory": lambda s: os.listdir("/dev/shm"),
    "devices": lambda s: os.listdir("/dev"),
    "terminal": lambda s: os.open("/dev/tty", os.O_RDWR),
}
WRITING = {
    "overwrite": lambda s: s.secret.write_text("changed"),
    "append": lambda s: s.secret.open("a"),
    "truncate": lambda s: os.truncate(s.secret, 0),
    "truncate by opening": lambda s: os.open(s.secret, os.O_RDONLY | os.O_TRUNC),
    "create": lambda s: (s.outside / "new").touch(),
    "create in the temporary folder": lambda s: Path("/tmp/sandbox-escape").touch(),
    "create shared memory": lambda s: Path("/dev/shm/sandbox-escape").touch(),
    "remove": lambda s: s.secret.unlink(),
    "rename away": lambda s: s.secret.rename(s.outside / "moved"),
    "rename over": lambda s: (Path("x").touch(), os.rename("x", s.secret)),
    "link out": lambda s: (Path("x").touch(), os.link("x", s.outside / "linked")),
    "symbolic link out": lambda s: os.symlink("/", s.outside / "linked"),
    "make a folder": lambda s: os.mkdir(s.outside / "new"),
    "remove the folder": lambda s: os.rmdir(s.outside),
    "make a fifo": lambda s: os.mkfifo(s.outside / "new"),
    "write by link": lambda s: (os.symlink(s.secret, "link"), Path("link").write_text("x")),
    "write a library": lambda s: os.open(os.__file__, os.O_WRONLY),
    "bind a socket": lambda s: socket.socketpair()[0].bind(str(s.outside / "socket")),
}
# They answer that all went well, or that it is not supported, and change nothing.
HARMLESS = {
    "mode": lambda s: os.chmod(s.secret, 0o777),
    "mode of the folder": lambda s: os.chmod(s.outside, 0o777),
    "mode by descriptor": lambda s: os.fchmod(os.open("/usr/share", os.O_RDONLY), 0o700),
    "owner": lambda s: os.chown(s.secret, 1234, 1234),
    "times": lambda s: os.utime(s.secret, (1, 1)),
    "attribute": lambda s: os.setxattr(s.secret, "user.x", b"y"),
    "fchmodat2": lambda s: LIBC.syscall(452, -100, bytes(s.secret), 0o777, 0),
}


def state_of(sandbox):
    parts = []
    for path in (sandbox.outside, sandbox.secret, Path("/usr/share")):
        status = path.stat()
        parts.append((stat.filemode(status.st_mode), status.st_uid, status.st_mtime_ns))
    return parts, os.listdir(sandbox.outside), sandbox.secret.read_text()


@pytest.mark.parametrize("attempt", READING.values(), ids=READING)
def test_outside_cannot_be_read(sandbox, refuses, attempt):
    refuses(lambda: repr(attempt(sandbox)), "EACCES", "EPERM", "ENOENT", "EXDEV", "ENXIO")


@pytest.mark.parametrize("attempt", WRITING.values(), ids=WRITING)
def test_outside_cannot_be_changed(sandbox, refuses, attempt):
    before = state_of(sandbox)
    refuses(lambda: repr(attempt(sandbox)), "EACCES", "EPERM", "EXDEV", "EROFS")
    assert state_of(sandbox) == before
    assert not any(Path(folder, "sandbox-escape").exists() for folder in ("/tmp", "/dev/shm"))


@pytest.mark.parametrize("attempt", HARMLESS.values(), ids=HARMLESS)
def test_what_landlock_does_not_cover_changes_nothing(sandbox, attempt):
    before = state_of(sandbox)
    sandbox.run(lambda: repr(attempt(sandbox)))
    assert state_of(sandbox) == before


@pytest.mark.parametrize("version", [1, 2, 3, 5])
@pytest.mark.parametrize("name", [*WRITING, *HARMLESS])
def test_outside_cannot_be_changed_with_an_older_landlock(sandbox, monkeypatch, version, name):
    before = state_of(sandbox)
    monkeypatch.setattr(landlock, "abi", lambda: version)
    outcome = sandbox.run(lambda: repr({**WRITING, **HARMLESS}[name](sandbox)))
    assert state_of(sandbox) == before
    assert outcome.error or name in HARMLESS


@pytest.mark.parametrize("version", [1, 2])
def test_a_readable_file_cannot_be_emptied_with_an_older_landlock(sandbox, monkeypatch, version):
    # As its owner one may; Landlock knows of truncation since its third version only.
    monkeypatch.setattr(landlock, "abi", lambda: version)

    def attempt():
        done = []
        for flags in (os.O_RDONLY, os.O_ACCMODE):
            try:
                os.open(sandbox.secret, flags | os.O_TRUNC)
                done.append(flags)
            except PermissionError:
                continue
        return done, sandbox.secret.read_text()

    outcome = sandbox.run(attempt, readable=[str(sandbox.secret)])
    assert outcome.value == [[], "the secret"], outcome.text


def test_the_secret_could_be_read_without_the_sandbox(sandbox):
    assert sandbox.run(sandbox.secret.read_text, readable=[str(sandbox.outside)]).value


def test_the_run_folder_is_writable(sandbox):
    def work():
        os.makedirs("a/b")
        Path("a/one").write_text("one")
        os.rename("a/one", "a/two")
        os.link("a/two", "a/three")
        os.symlink("two", "a/four")
        os.mkfifo("a/fifo")
        os.truncate("a/three", 2)
        with open("a/two", "r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            fcntl.lockf(file, fcntl.LOCK_EX)
        shutil.copy2("a/two", "a/five")
        shutil.copytree("a/b", "c")
        content = Path("a/four").read_text()
        shutil.rmtree("a")
        return content, sorted(os.listdir("."))

    assert sandbox.run(work).value == ["on", ["c"]]


def test_renaming_between_folders_of_the_run(sandbox):
    def work():
        os.mkdir("a")
        Path("x").touch()
        os.rename("x", "a/x")
        return os.listdir("a")

    assert sandbox.run(work).value == ["x"]


def test_written_programs_cannot_be_executed(sandbox, refuses):
    def attempt():
        Path("program").write_bytes(Path("/proc/self/stat").read_bytes())
        descriptor = os.open("program", os.O_WRONLY | os.O_CREAT, 0o755)
        os.close(descriptor)
        # in a run: nothing, as it is refused
        os.execv("./program", ["program"])

    refuses(attempt, "EACCES")


def test_devices_cannot_be_made(refuses):
    refuses(lambda: os.mknod("device", stat.S_IFBLK | 0o600, os.makedev(254, 0)))
    refuses(lambda: os.mknod("device", stat.S_IFCHR | 0o600, os.makedev(1, 3)))


def test_open_descriptors_are_closed(sandbox):
    with open(sandbox.secret) as inherited, open(os.devnull) as kept:
        number = inherited.fileno()
        outcome = sandbox.run(lambda: os.read(number, 10), keep=[kept.fileno()])
        assert outcome.symbol == "EBADF"
        assert sandbox.run(lambda: len(os.read(kept.fileno(), 9)), keep=[kept.fileno()]).value == 0


def test_new_files_are_private(sandbox):
    outcome = sandbox.run(lambda: (Path("file").touch(), stat.filemode(os.stat("file").st_mode))[1])
    assert outcome.value == "-rw-------"
