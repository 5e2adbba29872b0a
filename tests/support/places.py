"""Where people run it: containers and services, made on this machine for one program each.

No home, no entry in the list of users, a read-only root, no /dev/shm, process number 1. What a
place lacks is really not there: users, mounts and process namespaces are made for the program, as
a container engine would. That takes root.
"""

import contextlib
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import azml_magic
from azml_magic.sandbox import processes
from support import ordinary_user, programs

# What the script azml-magic of an installation does.
AZML_MAGIC = ["-m", "azml_magic"]
STRANGER = 10001
"""A user number that no list of users knows."""

# A /dev as small as a container's, and without /dev/shm.
_DEVICES = """
devices=$(mktemp -d)
mount -t tmpfs -o mode=755 tmpfs "$devices"
for name in null zero full random urandom; do
  touch "$devices/$name"; mount --bind "/dev/$name" "$devices/$name"
done
ln -s /proc/self/fd "$devices/fd"
mount --rbind "$devices" /dev
"""
_TEMPORARY = """
mount -t tmpfs -o mode=1777,noexec,nosuid,nodev,size=64m{limit} tmpfs "{temporary}"
"""
_READ_ONLY = """
while read -r _ _ _ _ place _; do
  case "$place" in
    {temporary}|/proc|/proc/*|/sys|/sys/*|/dev|/dev/*) ;;
    *) mount -o remount,bind,ro "$place" 2>/dev/null || true ;;
  esac
done < /proc/self/mountinfo
"""
# What is left in the temporary folder is told where tests look: on standard error.
_GO_ON = """
set +e
"$@"
status=$?
if [ -n "$TMPDIR" ]; then
  left=$(ls -A "$TMPDIR")
  [ -z "$left" ] || echo "left in TMPDIR: $left" >&2
fi
exit $status
"""


@dataclass(frozen=True)
class Place:
    """What is there, and what is not.

    Attributes
    ----------
    user : int
        Who runs the program.
    home : str or None
        The variable ``HOME``; None for none.
    read_only : bool
        Whether nothing can be written but below TMPDIR.
    temporary : bool
        Whether TMPDIR names a folder that can be written.
    no_shared_memory : bool
        Whether there is no /dev/shm.
    first : bool
        Whether the program is the first process of its process namespace.
    most_files : int
        How many files TMPDIR takes, when the root is read-only; 0 for any number.
    outer : str
        The kind of :mod:`outer_filter` that the program lives under.
    """

    user: int = 0
    home: str | None = "/"
    read_only: bool = False
    temporary: bool = True
    no_shared_memory: bool = False
    first: bool = False
    most_files: int = 0
    outer: str = "none"


class Ground:
    """A place that was made; programs run in it, each in namespaces of its own."""

    def __init__(self, place, folder):
        self.place = place
        self.folder = folder
        self.work = folder / "work"
        self._temporary = folder / "tmp"
        self.environment = {
            "PATH": os.defpath,
            "PYTHONPATH": str(folder / "package"),
            "LANG": "C.UTF-8",
        }
        if place.home is not None:
            self.environment["HOME"] = place.home
        if place.temporary:
            self.environment["TMPDIR"] = str(self._temporary)

    def write(self, name, text):
        """Write a file of the working folder; return its path."""
        path = self.work / name
        path.write_text(text)
        path.chmod(0o644)
        return str(path)

    def azml_magic(self, *arguments, **expected):
        """Run the command line to its end; see :func:`programs.run`."""
        return self.python(*AZML_MAGIC, *arguments, **expected)

    def python(self, *arguments, **expected):
        """Run Python to its end; see :func:`programs.run`."""
        command = self._command([sys.executable, *arguments])
        return programs.run(command, env=self.environment, cwd=self.work, **expected)

    def start(self, *arguments, **expected):
        """Start the command line; see :class:`programs.Started`."""
        command = self._command([sys.executable, *AZML_MAGIC, *arguments])
        return programs.Started(command, env=self.environment, cwd=self.work, **expected)

    def _command(self, command):
        place = self.place
        # What making the place takes lies beside it, and not in the program's temporary folder.
        script = ["set -e", f"export TMPDIR='{self.folder}/shelves'"]
        script += [ordinary_user.opening_script()] if place.user else []
        script += [_DEVICES] if place.no_shared_memory else []
        script += [_TEMPORARY] if place.temporary and place.read_only else []
        script += [_READ_ONLY] if place.read_only else []
        limit = f",nr_inodes={place.most_files + 1}" if place.most_files else ""
        restore = f"TMPDIR='{self._temporary}'" if place.temporary else "unset TMPDIR"
        text = "\n".join([*script, restore, _GO_ON])
        text = text.replace("{temporary}", str(self._temporary)).replace("{limit}", limit)
        user = str(place.user)
        # It ends with the test that started it, however that ends.
        dying = ["setpriv", "--pdeathsig", "KILL"]
        become = [*dying, f"--reuid={user}", f"--regid={user}", "--clear-groups"]
        first = [*dying, "unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
        if place.outer != "none":
            command = [sys.executable, str(self.folder / "outer_filter.py"), place.outer, *command]
        inner = [*(first if place.first else []), *become, *command]
        return ["unshare", "--mount", "sh", "-c", text, "sh", *inner]


@contextlib.contextmanager
def made(place):
    """Yield the :class:`Ground` of a place, with a copy of the package in it."""
    folder = Path(tempfile.mkdtemp(prefix="place-", dir="/tmp"))
    try:
        package = folder / "package" / "azml_magic"
        shutil.copytree(Path(azml_magic.__file__).parent, package)
        shutil.copy(Path(__file__).with_name("outer_filter.py"), folder)
        for name in ("work", "tmp", "shelves"):
            (folder / name).mkdir()
        for path in [folder, *folder.rglob("*")]:
            path.chmod(path.stat().st_mode | (0o755 if path.is_dir() else 0o644))
        (folder / "tmp").chmod(0o1777)
        yield Ground(place, folder)
    finally:
        shutil.rmtree(folder)


def program_of(started):
    """Return the process of a started program: below what made its place, the first Python."""
    for pid in processes.descendants([started.pid]):
        with contextlib.suppress(OSError):
            if "python" in os.path.basename(os.readlink(f"/proc/{pid}/exe")):
                return pid
    return None
