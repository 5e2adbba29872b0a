"""Running Python as an ordinary user from a test that may itself run as root."""

import contextlib
import os
import shutil
import sys
import tempfile
from pathlib import Path

import azml_magic
from support import programs

NOBODY = 65534

# An interpreter below a closed home (/root) cannot be reached by another user. In a mount
# namespace of its own the closed folder is covered by an open, empty one, in which only the
# interpreter's own folders stand again.
_OPEN_UP = """
shelf=$(mktemp -d)
number=0
for folder in {folders}; do
  number=$((number + 1)); mkdir "$shelf/$number"; mount --bind "$folder" "$shelf/$number"
done
for folder in {closed}; do mount -t tmpfs -o mode=755 tmpfs "$folder"; done
number=0
for folder in {folders}; do
  number=$((number + 1)); mkdir -p "$folder"; mount --bind "$shelf/$number" "$folder"
done
"""


@contextlib.contextmanager
def prepared(*, user=NOBODY, edits=(), outer="none", files=()):
    """Yield ``run(source, *arguments, timeout=120, errors="", status=0)``, see :mod:`programs`.

    It runs Python source with a copy of the package, by default as an ordinary user.

    Parameters
    ----------
    user : int or None
        Who runs it, when the tests run as root; None for root itself.
    edits : iterable of (str, str)
        A file of the package and text that is appended to the copy of it: a switch that
        exists in tests alone.
    outer : str
        The kind of :mod:`outer_filter` that the process lives under.
    files : iterable of Path
        Modules that stand beside the source.
    """
    folder = Path(tempfile.mkdtemp(prefix="ordinary-user-"))
    user = user if os.getuid() == 0 else None
    try:
        package = folder / "package" / "azml_magic"
        shutil.copytree(Path(azml_magic.__file__).parent, package)
        for file, text in edits:
            with (package / file).open("a") as opened:
                opened.write(f"\n\n{text}\n")
        for file in files:
            shutil.copy(file, folder)
        home = folder / "home"
        cache = Path(".cache", "azml_magic")
        if (Path.home() / cache).exists():
            # The fonts are the same, and finding them takes seconds.
            shutil.copytree(Path.home() / cache, home / cache)
        home.mkdir(exist_ok=True)
        if user is not None:
            for path in [home, *home.rglob("*")]:
                os.chown(path, user, user)
        for path in [folder, *folder.rglob("*")]:
            path.chmod(path.stat().st_mode | (0o755 if path.is_dir() else 0o644))

        def run(source, *arguments, **expected):
            return _run(folder, source, arguments, user, outer, {"timeout": 120, **expected})

        yield run
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(folder, source, arguments, user, outer, expected):
    environment = {
        "HOME": str(folder / "home"),
        "PATH": os.defpath,
        "PYTHONPATH": str(folder / "package"),
        "LANG": "C.UTF-8",
    }
    script = folder / "script.py"
    script.write_text(source)
    filters = folder / "outer_filter.py"
    shutil.copy(Path(__file__).with_name("outer_filter.py"), filters)
    for file in (script, filters):
        file.chmod(0o644)
    command = [sys.executable, str(script), *arguments]
    if outer != "none":
        command = [sys.executable, str(filters), outer, *command]
    if user is not None:
        name = str(user)
        command = ["setpriv", f"--reuid={name}", f"--regid={name}", "--clear-groups", *command]
        command = _reachable(command, folder)
    return programs.run(command, env=environment, cwd=folder / "home", **expected)


def _reachable(command, shelves):
    script = opening_script()
    if not script:
        return command
    # What it takes is deleted with the folder of the test.
    text = f"set -e\nexport TMPDIR='{shelves}'\n{script}\nunset TMPDIR\nexec \"$@\""
    return ["unshare", "--mount", "sh", "-c", text, "sh", *command]


def opening_script():
    """Return shell commands for a mount namespace in which any user reaches the interpreter.

    Empty where any user does already.
    """
    folders = sorted({sys.prefix, sys.base_prefix})
    above = {str(parent) for folder in folders for parent in Path(folder).parents}
    closed = set(filter(_closed, above))
    # Of closed folders within each other, the outermost is covered.
    tops = [one for one in closed if not closed & {str(parent) for parent in Path(one).parents}]
    below = [folder for folder in folders if folder.startswith(tuple(f"{top}/" for top in tops))]
    if not closed:
        return ""
    return _OPEN_UP.format(folders=_quoted(below), closed=_quoted(sorted(tops)))


def _quoted(paths):
    return " ".join(f"'{path}'" for path in paths)


def _closed(folder):
    return not os.stat(folder).st_mode & 0o001
