"""Paths that a batch request names, held inside the batch folder."""

from __future__ import annotations

from pathlib import Path

from azml_magic.scoring.faults import Fault, bad_argument
from azml_magic.tables import ENDINGS

STATE_FILE = ".azml-jobs.sqlite"


def steps_of(folder: Path, source: str, target: str) -> list[tuple[str, str]]:
    """Return the files of a job and where the output of each goes.

    Parameters
    ----------
    folder : Path
        The batch folder.
    source : str
        A file, or a folder of files, relative to it.
    target : str
        A file for a file; a folder for either.

    Raises
    ------
    Fault
        When a path leads outside, or there is nothing to read.
    """
    found, goal = _inside(folder, source), _inside(folder, target)
    if found.is_file():
        _check_ending(found.name, source)
        return [(str(found), str(_goal_of_file(goal, found)))]
    if not found.is_dir():
        raise _bad(f"There is no file or folder {source!r}.", "Input")
    if goal.suffix.lower() in ENDINGS:
        raise _bad("The output of a folder is a folder.", "Outputs")
    if goal == found or found in goal.parents:
        raise _bad("The output must not lie in the input's folder.", "Outputs")
    files = sorted(
        path
        for path in found.iterdir()
        if path.name.lower().endswith(ENDINGS)
        and not path.name.startswith((".", "_"))
        and path.is_file()
    )
    if not files:
        raise _bad(f"There is no dataset in {source!r}.", "Input")
    for path in files:
        _inside(folder, path.relative_to(folder.resolve()).as_posix())
    return [(str(path), str(goal / path.name)) for path in files]


def _goal_of_file(goal: Path, source: Path) -> Path:
    return goal if goal.suffix.lower() in ENDINGS else goal / source.name


def _inside(folder: Path, location: str) -> Path:
    """Return the path, with links followed, when it lies in the folder."""
    parts = Path(location.replace("\\", "/").lstrip("/"))
    if "\0" in location or not location.strip() or parts.name.startswith("."):
        raise _bad(f"{location!r} names no file.", "RelativeLocation")
    root = folder.resolve()
    path = (root / parts).resolve()
    if not path.is_relative_to(root) or path == root:
        raise _bad(f"{location!r} leads out of the batch folder.", "RelativeLocation")
    return path


def _check_ending(name: str, source: str) -> None:
    if not name.lower().endswith(ENDINGS):
        raise _bad(f"{source!r} is none of {', '.join(ENDINGS)}.", "Input")


def _bad(detail: str, target: str) -> Fault:
    return bad_argument("BatchJobInputsInvalid", detail, target=target)
