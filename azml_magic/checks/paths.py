"""Family ``paths``: files that the run's folder will not have."""

from __future__ import annotations

from collections.abc import Iterator

from azml_magic.checks.codes import Code, Surroundings
from azml_magic.checks.literals import argument, is_absolute, is_address, text_start
from azml_magic.checks.script import Call, Script
from azml_magic.result import Finding

OUTSIDE = Code("AZ502", "warning", "a path that leads out of the run's folder")
TOO_EARLY = Code("AZ505", "warning", "the designer reads no relative path at the top level")
CODES: tuple[Code, ...] = (OUTSIDE, TOO_EARLY)

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
    """Yield literal paths outside the run's folder (rule W1), and ones read too early (Z9)."""
    for call in script.calls:
        position = _path_position(call)
        if position is None:
            continue
        path = text_start(argument(call, position, *_KEYWORDS))
        if not path or is_address(path):
            continue
        if is_absolute(path):
            message = f"{path[:80]!r} leads out of the run's folder; nothing is there in the cloud"
            fix = "bring the file in by a port, or by the script bundle: 'Script Bundle/...'"
            yield OUTSIDE.at(call.line, message, fix, "W1")
        elif _opens(call) and not call.in_function and not around.profile.top_level_in_run_folder:
            message = (
                f"{path[:80]!r} is opened at the top level, before the run's folder is current"
            )
            yield TOO_EARLY.at(call.line, message, "open it inside azureml_main", "Z9")


def _opens(call: Call) -> bool:
    reads = call.last_name.startswith("read_") and call.name.count(".") == 1
    return reads or call.name in _OPENING


def _path_position(call: Call) -> int | None:
    """Return the position of the argument that is a path; ``None`` when there is none."""
    if call.name == "sys.path.insert":
        return 1
    known = call.name in _NAMING or call.name == "sys.path.append"
    known |= call.last_name in _WRITING and "." in call.name
    return 0 if known or _opens(call) else None
