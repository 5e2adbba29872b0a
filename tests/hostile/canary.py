"""What an escape would touch: ports, files, a process and secrets on the host, all watched."""

from __future__ import annotations

import contextlib
import os
import resource
import secrets
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path

from azml_magic.sandbox import processes

VICTIM = """
import signal, sys, time
def note(number, frame):
    open(sys.argv[1], "a").write(f"signal {number}\\n")
for number in range(1, 32):
    if number not in (signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD):
        signal.signal(number, note)
print("ready", flush=True)
while True:
    time.sleep(0.05)
"""
GROWTH_BYTES = 400 << 20
LEAVING_SECONDS = 60.0


class Canary:
    """Everything on the host that a contained run leaves alone.

    ``facts`` goes into the snippets; ``changes()`` names what was touched.
    It is made after a first run, so that the processes that wait for the next are known.

    Parameters
    ----------
    patience : float
        Seconds that processes and folders of a run may take to go.
    """

    def __init__(self, patience: float = LEAVING_SECONDS) -> None:
        self.patience = patience
        self.mark = "azml-canary-" + secrets.token_hex(6)
        self.token = "token-" + secrets.token_hex(12)
        self.folder = Path(tempfile.mkdtemp(prefix=self.mark))
        self.folder.chmod(0o700)
        self.secret = self.folder / "secret.txt"
        self.secret.write_text(self.token)
        self.secret.chmod(0o600)
        self.readable = self.folder / "readable.txt"
        self.readable.write_text(self.token)
        self.image = self.folder / "image.png"
        self.image.write_bytes(_png(self.token.encode()))
        self.signals = self.folder / "signals.txt"
        self.signals.write_text("")
        self.at_home = Path.home() / f"{self.mark}-home"
        self.at_home.touch()
        self.sockets: dict[str, socket.socket] = {}
        self._listen()
        waiting = _lasting()
        # not ours: a bystander
        self.victim = subprocess.Popen(
            [sys.executable, "-I", "-c", VICTIM, str(self.signals)],
            env={"SECRET": self.token},
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        assert self.victim.stdout is not None
        self.victim.stdout.readline()
        self.expected = {self.victim.pid, *waiting}
        self.run_folders = _run_folders(waiting)
        os.environ["AZML_CANARY_SECRET"] = self.token
        self.before = self._state()
        self.memory = _memory()

    @property
    def facts(self) -> dict[str, object]:
        """Where everything is, as a snippet finds it in ``F``."""
        return {
            "mark": self.mark,
            "secret": str(self.secret),
            "readable": str(self.readable),
            "image": str(self.image),
            "folder": str(self.folder),
            "tcp": self.sockets["tcp"].getsockname()[1],
            "tcp6": self.sockets["tcp6"].getsockname()[1] if "tcp6" in self.sockets else 9,
            "udp": self.sockets["udp"].getsockname()[1],
            "unix": str(self.folder / "stream.sock"),
            "unix_dgram": str(self.folder / "dgram.sock"),
            "abstract": self.abstract,
            "victim": self.victim.pid,
            "notebook": os.getpid(),
            "monitor": min(self.expected - {self.victim.pid}),
            "home": str(Path.home()),
            "uid": os.getuid(),
            "user": os.environ.get("USER", ""),
            "temporary": tempfile.gettempdir(),
            "listed": {path: _listed(path) for path in ("/", "/dev", str(Path.home()))},
            "mounts": len(Path("/proc/self/mountinfo").read_text().splitlines()),
        }

    def changes(self) -> list[str]:
        """Name what runs have touched; once something was, a new canary is needed."""
        touched = self._contacts()
        now = self._state()
        touched += [
            f"{name}: {self.before[name]} became {now.get(name)}"
            for name in self.before
            if self.before[name] != now.get(name)
        ]
        grown = _memory() - self.memory
        if grown > GROWTH_BYTES:
            touched.append(f"the notebook grew by {grown >> 20} MB")
        return touched

    def close(self) -> None:
        """Give everything back."""
        self.victim.kill()
        self.victim.wait()
        for marked in self._marked_files():
            with contextlib.suppress(OSError):
                os.unlink(marked)
        assert self.victim.stdout is not None
        self.victim.stdout.close()
        for listening in self.sockets.values():
            listening.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        os.environ.pop("AZML_CANARY_SECRET", None)

    def _listen(self) -> None:
        self.sockets["tcp"] = socket.create_server(("127.0.0.1", 0))
        with contextlib.suppress(OSError):
            self.sockets["tcp6"] = socket.create_server(("::1", 0), family=socket.AF_INET6)
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind(("127.0.0.1", 0))
        self.sockets["udp"] = udp
        for name, kind in (("unix", socket.SOCK_STREAM), ("unix_dgram", socket.SOCK_DGRAM)):
            made = socket.socket(socket.AF_UNIX, kind)
            made.bind(str(self.folder / {"unix": "stream.sock"}.get(name, "dgram.sock")))
            self.sockets[name] = made
        self.abstract = self.mark
        abstract = socket.socket(socket.AF_UNIX)
        abstract.bind("\0" + self.abstract)
        self.sockets["abstract"] = abstract
        for listening in self.sockets.values():
            listening.setblocking(False)
            if listening.type == socket.SOCK_STREAM:
                listening.listen()

    def _contacts(self) -> list[str]:
        contacts = []
        for name, listening in self.sockets.items():
            with contextlib.suppress(BlockingIOError):
                if listening.type == socket.SOCK_DGRAM:
                    listening.recv(100)
                else:
                    listening.accept()[0].close()
                contacts.append(f"{name} socket was reached")
        return contacts

    def _state(self) -> dict[str, object]:
        state: dict[str, object] = {
            "victim alive": self.victim.poll() is None,
            "signals of the victim": _described(self.signals),
            "marked files": self._marked_files(),
            "left": self._left(),
            "canary folder": sorted(_listed(self.folder)),
            "descriptors of the notebook": len(os.listdir("/proc/self/fd")),
        }
        for name, path in (("secret", self.secret), ("readable", self.readable)):
            state[name] = _described(path)
        state["mode of the folder"] = self.folder.exists() and self.folder.stat().st_mode
        for name, pid in (("victim", self.victim.pid), ("notebook", os.getpid())):
            with contextlib.suppress(ProcessLookupError):
                state[f"nice of the {name}"] = os.getpriority(os.PRIO_PROCESS, pid)
                state[f"affinity of the {name}"] = os.sched_getaffinity(pid)
                state[f"scheduler of the {name}"] = os.sched_getscheduler(pid)
                state[f"open file limit of the {name}"] = resource.prlimit(
                    pid, resource.RLIMIT_NOFILE
                )
                state[f"score of the {name}"] = Path(f"/proc/{pid}/oom_score_adj").read_text()
        return state

    def _marked_files(self) -> list[str]:
        folders = ("/tmp", "/dev/shm", "/var/tmp", str(Path.home()), tempfile.gettempdir())
        return sorted(
            f"{folder}/{name}"
            for folder in set(folders)
            for name in _listed(folder)
            if self.mark in name and f"{folder}/{name}" != str(self.folder)
        )

    def _left(self) -> list[str]:
        """Return processes and folders that are still there some time after their run.

        The worker that waits for the next run, in the next run's folder, is none of them, nor is
        the first process of its process namespace.
        """
        deadline = time.monotonic() + self.patience
        while True:
            folders = _listed(self.run_folders)
            waiting, first, left = [], [], []
            for pid in sorted(set(processes.descendants([os.getpid()])) - self.expected):
                folder = _folder_of(pid)
                spare = folder in _places(self.run_folders, folders)
                kind = waiting if spare else first if _is_first(pid) else left
                kind.append(f"process {pid} in {folder}")
            left += waiting[1:] + first[len(waiting) :]
            left += [f"folder {name}" for name in folders[len(waiting) :]]
            if not left or time.monotonic() > deadline:
                return left
            time.sleep(0.005)


def _described(path: Path) -> object:
    try:
        status = path.stat()
        text = path.read_bytes()
        return text, status.st_mode, status.st_uid, status.st_mtime_ns, os.listxattr(path)
    except OSError as error:
        return error.strerror


def _listed(folder: str | Path) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _lasting() -> list[int]:
    """Return the processes that outlive a run; a worker lives in a run folder."""
    # The worker that is made ready for the next run enters its folder.
    deadline = time.monotonic() + LEAVING_SECONDS
    while True:
        found = processes.descendants([os.getpid()])
        if any(_folder_of(pid).endswith("/work") for pid in found) or time.monotonic() > deadline:
            break
        time.sleep(0.05)
    return [pid for pid in found if not _folder_of(pid).endswith("/work") and not _is_first(pid)]


def _places(above: str, names: list[str]) -> set[str]:
    """Return where a worker can be: in its own mounts, its run folder covers the one above."""
    return {f"{above}/work", *(f"{above}/{name}/work" for name in names)}


def _is_first(pid: int) -> bool:
    """Return whether a process is the first one of a run's process namespace.

    The namespace around all runs lies in the machine's, so it has a number in three of them.
    """
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    (numbers,) = (line.split()[1:] for line in status.splitlines() if line.startswith("NSpid:"))
    return len(numbers) >= 3 and numbers[-1] == "1"


def _folder_of(pid: int) -> str:
    """Return the working folder of a process; the fork server shows its own to nobody."""
    try:
        return os.readlink(f"/proc/{pid}/cwd")
    except OSError:
        return ""


def _run_folders(pids: object) -> str:
    """Return the folder that a monitor among some processes holds a lock on."""
    for pid in pids:  # type: ignore[attr-defined]
        for name in _listed(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):
                target = os.readlink(f"/proc/{pid}/fd/{name}")
                if os.path.basename(target).startswith("azml_magic-"):
                    return target
    raise AssertionError("no monitor holds a folder")


def _memory() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def _png(text: bytes) -> bytes:
    """Return a picture of one pixel that bears some text."""
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)),
        (b"tEXt", b"Comment\0" + text),
        (b"IDAT", zlib.compress(bytes(4))),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )
