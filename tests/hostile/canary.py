"""What an escape would touch: ports, files, a process and secrets on the host, all watched."""

from __future__ import annotations

import contextlib
import os
import resource
import secrets
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

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


class Canary:
    """Everything on the host that a contained run leaves alone.

    ``facts`` goes into the snippets; ``changes()`` names what was touched since the last call.
    """

    def __init__(self) -> None:
        self.token = "token-" + secrets.token_hex(12)
        self.folder = Path(tempfile.mkdtemp(prefix="azml-canary-"))
        self.folder.chmod(0o700)
        self.secret = self.folder / "secret.txt"
        self.secret.write_text(self.token)
        self.secret.chmod(0o600)
        self.readable = self.folder / "readable.txt"
        self.readable.write_text(self.token)
        self.signals = self.folder / "signals.txt"
        self.signals.write_text("")
        self.sockets: dict[str, socket.socket] = {}
        self._listen()
        self.victim = subprocess.Popen(
            [sys.executable, "-I", "-c", VICTIM, str(self.signals)],
            env={"SECRET": self.token},
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        assert self.victim.stdout is not None
        self.victim.stdout.readline()
        os.environ["AZML_CANARY_SECRET"] = self.token
        self.before = self._state()

    @property
    def facts(self) -> dict[str, object]:
        """Where everything is, as a snippet finds it in ``F``."""
        return {
            "secret": str(self.secret),
            "readable": str(self.readable),
            "folder": str(self.folder),
            "tcp": self.sockets["tcp"].getsockname()[1],
            "tcp6": self.sockets["tcp6"].getsockname()[1] if "tcp6" in self.sockets else 9,
            "udp": self.sockets["udp"].getsockname()[1],
            "unix": str(self.folder / "stream.sock"),
            "unix_dgram": str(self.folder / "dgram.sock"),
            "abstract": self.abstract,
            "victim": self.victim.pid,
            "notebook": os.getpid(),
            "home": str(Path.home()),
            "uid": os.getuid(),
            "shared": f"/dev/shm/azml-canary-{os.getpid()}",
        }

    def changes(self) -> list[str]:
        """Name what a run has touched; the watch starts anew after each call."""
        touched = self._contacts()
        now = self._state()
        touched += [
            f"{name}: {self.before[name]} became {now[name]}"
            for name in self.before
            if self.before[name] != now[name]
        ]
        if touched:
            self._restore()
        self.before = self._state()
        return touched

    def close(self) -> None:
        """Give everything back."""
        self.victim.kill()
        self.victim.wait()
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
        stream = socket.socket(socket.AF_UNIX)
        stream.bind(str(self.folder / "stream.sock"))
        stream.listen()
        self.sockets["unix"] = stream
        dgram = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        dgram.bind(str(self.folder / "dgram.sock"))
        self.sockets["unix_dgram"] = dgram
        self.abstract = f"azml-canary-{secrets.token_hex(6)}"
        abstract = socket.socket(socket.AF_UNIX)
        abstract.bind("\0" + self.abstract)
        abstract.listen()
        self.sockets["abstract"] = abstract
        for listening in self.sockets.values():
            listening.setblocking(False)

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
        victim = self.victim.pid
        state: dict[str, object] = {
            "victim alive": self.victim.poll() is None,
            "signals of the victim": self.signals.read_text(),
            "left in /dev/shm": sorted(_listed("/dev/shm")),
            "left in /tmp": sorted(name for name in _listed("/tmp") if "escape" in name),
            "processes of runs": _leftovers(),
            "canary folder": sorted(_listed(self.folder)),
        }
        for name, path in (("secret", self.secret), ("readable", self.readable)):
            status = path.stat()
            state[name] = (
                path.read_text(),
                stat.filemode(status.st_mode),
                status.st_uid,
                status.st_mtime_ns,
                os.listxattr(path),
            )
        folder = self.folder.stat()
        state["mode of the folder"] = stat.filemode(folder.st_mode)
        for name, pid in (("victim", victim), ("notebook", os.getpid())):
            with contextlib.suppress(ProcessLookupError):
                state[f"nice of the {name}"] = os.getpriority(os.PRIO_PROCESS, pid)
                state[f"affinity of the {name}"] = os.sched_getaffinity(pid)
                state[f"scheduler of the {name}"] = os.sched_getscheduler(pid)
                state[f"open file limit of the {name}"] = resource.prlimit(
                    pid, resource.RLIMIT_NOFILE
                )
        return state

    def _restore(self) -> None:
        self.secret.write_text(self.token)
        self.signals.write_text("")
        for name in _listed("/tmp"):
            if "escape" in name:
                with contextlib.suppress(OSError):
                    os.unlink(f"/tmp/{name}")


def _listed(folder: str | Path) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _leftovers() -> int:
    """Count workers that are still there a second after their run."""
    for _ in range(20):
        found = 0
        for pid in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError):
                found += b"azml_magic.worker.server" in Path(f"/proc/{pid}/cmdline").read_bytes()
        if found <= 1:  # the fork server itself
            return 0
        time.sleep(0.05)
    return found - 1
