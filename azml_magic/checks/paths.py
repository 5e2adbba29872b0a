"""Family ``paths``: files that do not exist in the run's folder."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from azml_magic.checks.literals import argument, is_absolute, is_address, text, text_start
from azml_magic.checks.parsed_script import Call, Script
from azml_magic.checks.surroundings import Surroundings
from azml_magic.errors import did_you_mean
from azml_magic.findings import CODES
from azml_magic.result import Finding

OUTSIDE = CODES["AZ502"]
TOO_EARLY = CODES["AZ505"]
NOWHERE = CODES["AZ506"]

BUNDLE_FOLDER = "Script Bundle"

_OPENING = frozenset(
    {
        "open",
        "io.open",
        "codecs.open",
        "joblib.load",
        "numpy.load",
        "numpy.loadtxt",
        "numpy.genfromtxt",
        "numpy.fromfile",
        "os.listdir",
        "os.scandir",
        "os.chdir",
        "zipfile.ZipFile",
        "sqlite3.connect",
        "PIL.Image.open",
        "cv2.imread",
        "matplotlib.pyplot.imread",
        "matplotlib.image.imread",
    }
)
_NAMING = frozenset({"os.path.join", "pathlib.Path", "os.path.expanduser"})
_BRING = "pass it in by a port, or in the script bundle: 'Script Bundle/...'"
_KEYWORDS = ("filepath_or_buffer", "path", "io", "file", "fname", "filename", "path_or_buf")
_WRITING = frozenset(
    {
        "to_csv",
        "to_excel",
        "to_feather",
        "to_hdf",
        "to_html",
        "to_json",
        "to_latex",
        "to_parquet",
        "to_pickle",
        "to_stata",
        "to_xml",
    }
)


def find(script: Script, around: Surroundings) -> Iterator[Finding]:
    """Yield paths outside the run's folder (W1), read too early (Z9), or missing (W1, Z6)."""
    written = {path for call in script.calls if (path := _written_path(call))}
    for call in script.calls:
        position = _path_position(call)
        if position is None:
            continue
        path = text_start(argument(call, position, *_KEYWORDS))
        if not path or is_address(path):
            continue
        if is_absolute(path):
            message = f"{path[:80]!r} is outside the run's folder; it does not exist in the cloud"
            fix = "pass the file in by a port, or in the script bundle: 'Script Bundle/...'"
            yield OUTSIDE.at(call.line, message, fix, "W1")
        elif _opens(call) and not call.in_function and not around.profile.top_level_in_run_folder:
            message = (
                f"{path[:80]!r} is opened at the top level, before the working directory is set"
            )
            yield TOO_EARLY.at(call.line, message, "open it inside azureml_main", "Z9")
        elif _opens(call) and not _writes(call):
            yield from _nowhere(call, argument(call, position, *_KEYWORDS), written, around)


def _nowhere(
    call: Call, node: ast.expr | None, written: set[str], around: Surroundings
) -> Iterator[Finding]:
    """Yield a literal relative path that neither the module nor the bundle provides."""
    path = _plain(text(node) or "")
    folder, _, inside = path.partition("/")
    if not path or path in written or path == "." or "." not in path.rpartition("/")[2]:
        return
    if folder.lower() == BUNDLE_FOLDER.lower():
        if around.bundle_files is None or inside in around.bundle_files:
            return
        if not around.bundle_files:
            yield NOWHERE.at(
                call.line, f"{path!r} is read, but no bundle is connected", _BRING, "Z6"
            )
            return
        fix = did_you_mean(inside, around.bundle_files, "put it into the bundle")
        yield NOWHERE.at(call.line, f"{inside!r} is not in the script bundle", fix, "Z6")
        return
    message = f"{path!r} is read from the run's folder, which is empty at the start"
    if path in (around.bundle_files or ()):
        fix = f"files of the bundle are in its folder: '{BUNDLE_FOLDER}/{path}'"
        yield NOWHERE.at(call.line, message, fix, "Z1")
    else:
        yield NOWHERE.at(call.line, message, _BRING, "W1")


def _plain(path: str) -> str:
    return path.replace("\\", "/").removeprefix("./")


def _writes(call: Call) -> bool:
    """Return whether a call opens its file for writing, or creates it if it does not exist."""
    if call.name in {"sqlite3.connect", "os.chdir"}:
        return True
    position = 1 if call.last_name in {"open", "ZipFile"} else 99
    return bool(set(text(argument(call, position, "mode")) or "") & set("wax"))


def _written_path(call: Call) -> str:
    """Return the literal path that a call writes to; empty if there is none."""
    if call.last_name in _WRITING or call.last_name in {"savefig", "save", "imsave", "savetxt"}:
        return _plain(text(argument(call, 0, *_KEYWORDS)) or "")
    if call.last_name in {"dump", "urlretrieve", "copyfile", "copy"}:
        return _plain(text(argument(call, 1, "filename", "dst")) or "")
    if _opens(call) and _writes(call):
        return _plain(text(argument(call, 0, *_KEYWORDS)) or "")
    return ""


def _opens(call: Call) -> bool:
    reads = call.last_name.startswith("read_") and call.name.count(".") == 1
    return reads or call.name in _OPENING


def _path_position(call: Call) -> int | None:
    """Return the position of the argument that is a path; ``None`` if there is none."""
    if call.name == "sys.path.insert" or call.name.endswith("joblib.dump"):
        return 1
    known = call.name in _NAMING or call.name == "sys.path.append"
    known |= call.last_name in _WRITING and "." in call.name
    return 0 if known or _opens(call) else None
