"""Running Python as an ordinary user from a test that may itself run as root."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import azml_magic

NOBODY = 65534

# An interpreter below a closed home (/root) cannot be reached by another user. In a mount
# namespace of its own the closed folder is covered by an open, empty one, in which only the
# interpreter's own folders stand again.
_OPEN_UP = """
set -e
shelf=$(mktemp -d)
number=0
for folder in {folders}; do
  number=$((number + 1)); mkdir "$shelf/$number"; mount --bind "$folder" "$shelf/$number"
done
mount -t tmpfs -o mode=755 tmpfs {closed}
number=0
for folder in {folders}; do
  number=$((number + 1)); mkdir -p "$folder"; mount --bind "$shelf/$number" "$folder"
done
exec "$@"
"""


@contextlib.contextmanager
def prepared():
    """Yield ``run(source, *arguments, timeout=120)``, which returns a CompletedProcess."""
    folder = Path(tempfile.mkdtemp(prefix="ordinary-user-"))
    folder.chmod(0o755)
    try:
        package = folder / "package" / "azml_magic"
        shutil.copytree(
            Path(azml_magic.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__")
        )
        home = folder / "home"
        home.mkdir()
        if os.getuid() == 0:
            os.chown(home, NOBODY, NOBODY)
        for path in [folder, *folder.rglob("*")]:
            path.chmod(path.stat().st_mode | (0o755 if path.is_dir() else 0o644))

        def run(source, *arguments, timeout=120):
            return _run(folder, source, arguments, timeout)

        yield run
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(folder, source, arguments, timeout):
    environment = {
        "HOME": str(folder / "home"),
        "PATH": os.defpath,
        "PYTHONPATH": str(folder / "package"),
        "LANG": "C.UTF-8",
    }
    script = folder / "script.py"
    script.write_text(source)
    script.chmod(0o644)
    command = [sys.executable, str(script), *arguments]
    if os.getuid() == 0:
        user = str(NOBODY)
        command = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", *command]
        command = _reachable(command)
    return subprocess.run(
        command,
        env=environment,
        cwd=folder / "home",
        capture_output=True,
        text=True,
        timeout=timeout,
    )


def _reachable(command):
    folders = sorted({sys.prefix, sys.base_prefix})
    closed = {part for folder in folders for part in map(str, Path(folder).parents) if _closed(part)}
    if not closed:
        return command
    top = min(closed, key=len)
    below = [folder for folder in folders if folder.startswith(top + "/")]
    script = _OPEN_UP.format(folders=" ".join(f"'{f}'" for f in below), closed=f"'{top}'")
    return ["unshare", "--mount", "sh", "-c", script, "sh", *command]


def _closed(folder):
    return not os.stat(folder).st_mode & 0o001
