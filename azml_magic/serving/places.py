"""Paths in batch requests, confined to the batch folder."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
import uuid
from collections.abc import Iterator
from pathlib import Path, PurePath
from types import TracebackType
from typing import BinaryIO

from azml_magic.dataset_files import ENDINGS
from azml_magic.errors import PortError
from azml_magic.scoring.faults import Fault, bad_argument

STATE_FILE = ".azml-jobs.sqlite"
LOCK_FILE = ".azml-jobs.lock"
_PARTIAL = "_partial-"
_NAME_BYTES = 255
_LOCATION_CHARACTERS = 1024
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_WRITE = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class BatchFolder:
    """The files of a batch folder, opened folder by folder without following links.

    A job's paths had no links when it was created. A link found later was put there since, and may
    lead anywhere.

    Parameters
    ----------
    folder : str
        The folder that jobs are confined to.
    """

    def __init__(self, folder: str) -> None:
        self._path = Path(folder).resolve()
        self._root = os.open(self._path, _FOLDER)

    def __enter__(self) -> BatchFolder:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._root)

    @contextlib.contextmanager
    def reading(self, path: str) -> Iterator[BinaryIO]:
        """Open a file.

        Raises
        ------
        PortError
            When it no longer exists, or is not a regular file.
        """
        with self._parent(path, make=False) as (parent, name):
            try:
                descriptor = os.open(name, _READ, dir_fd=parent)
            except OSError as error:
                raise _cannot_open(path, error) from None
            with os.fdopen(descriptor, "rb") as file:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    raise PortError(f"{path} is not a regular file")
                yield file

    @contextlib.contextmanager
    def writing(self, path: str) -> Iterator[BinaryIO]:
        """Open a file for writing that appears under its name when complete, or not at all.

        Raises
        ------
        PortError
            When a folder of its path, or the file itself, cannot be created.
        """
        with self._parent(path, make=True) as (parent, name):
            _clear_partial(parent)
            partial = f"{_PARTIAL}{uuid.uuid4().hex}{PurePath(name).suffix}"
            descriptor = os.open(partial, _WRITE, 0o666, dir_fd=parent)
            try:
                with os.fdopen(descriptor, "w+b") as file:
                    # The lock marks it as being written.
                    fcntl.flock(descriptor, fcntl.LOCK_EX)
                    yield file
                    file.flush()
                    try:
                        os.replace(partial, name, src_dir_fd=parent, dst_dir_fd=parent)
                    except OSError as error:
                        raise _cannot_open(path, error) from None
            except BaseException:
                with contextlib.suppress(OSError):
                    os.unlink(partial, dir_fd=parent)
                raise

    @contextlib.contextmanager
    def _parent(self, path: str, *, make: bool) -> Iterator[tuple[int, str]]:
        """Open the folder of a file; yield its descriptor and the file's name."""
        relative = PurePath(path)
        if relative.is_absolute():  # as stored by an earlier version
            relative = PurePath(os.path.relpath(path, self._path))
        *folders, name = relative.parts
        here = os.dup(self._root)
        try:
            for part in folders:
                if part == "..":
                    raise PortError(f"{path} is outside the batch folder")
                if make:
                    with contextlib.suppress(FileExistsError):
                        os.mkdir(part, dir_fd=here)
                below = os.open(part, _FOLDER, dir_fd=here)
                os.close(here)
                here = below
        except OSError as error:
            os.close(here)
            raise _cannot_open(path, error) from None
        except PortError:
            os.close(here)
            raise
        try:
            yield here, name
        finally:
            os.close(here)


def _cannot_open(path: str, error: OSError) -> PortError:
    if error.errno in {errno.ELOOP, errno.ENOTDIR}:
        return PortError(f"the path {path} has a link, or a file in place of a folder")
    return PortError(f"{path}: {error.strerror}")


def _clear_partial(folder: int) -> None:
    """Delete partial files left by servers that were killed."""
    for name in os.listdir(folder):
        if name.startswith(_PARTIAL):
            with contextlib.suppress(OSError):
                descriptor = os.open(name, _READ, dir_fd=folder)
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    os.unlink(name, dir_fd=folder)
                finally:
                    os.close(descriptor)


def steps_of(folder: Path, source: str, target: str) -> list[tuple[str, str]]:
    """Return the files of a job and the path of each output, relative to the folder.

    Parameters
    ----------
    folder : Path
        The batch folder.
    source : str
        A file, or a folder of files, relative to it.
    target : str
        A file if the source is a file; or a folder.

    Raises
    ------
    Fault
        When a path is outside the folder, or there is nothing to read.
    """
    root = folder.resolve()
    found, goal = _inside(root, source), _inside(root, target)
    if found.is_file():
        _check_ending(found.name, source)
        return _steps(root, [(found, _goal_of_file(goal, found))])
    if not found.is_dir():
        raise _bad(f"There is no file or folder {source!r}.", "Input")
    if goal.suffix.lower() in ENDINGS:
        raise _bad("The output of a folder must be a folder.", "Outputs")
    if goal == found or found in goal.parents:
        raise _bad("The output must not be inside the input's folder.", "Outputs")
    files = sorted(
        path
        for path in found.iterdir()
        if path.name.lower().endswith(ENDINGS)
        and not path.name.startswith((".", "_"))
        and path.is_file()
    )
    if not files:
        raise _bad(f"There is no dataset in {source!r}.", "Input")
    # A file may be a link to another file in the folder; its output has the link's name.
    resolved = [(_inside(root, path.relative_to(root).as_posix()), path.name) for path in files]
    return _steps(root, [(path, goal / name) for path, name in resolved])


def _steps(root: Path, pairs: list[tuple[Path, Path]]) -> list[tuple[str, str]]:
    return [
        (source.relative_to(root).as_posix(), target.relative_to(root).as_posix())
        for source, target in pairs
    ]


def _goal_of_file(goal: Path, source: Path) -> Path:
    return goal if goal.suffix.lower() in ENDINGS else goal / source.name


def _inside(root: Path, location: str) -> Path:
    """Return the path with links resolved, if it is in the folder."""
    if len(location) > _LOCATION_CHARACTERS:
        detail = f"A location may have at most {_LOCATION_CHARACTERS:,} characters."
        raise _bad(detail, "RelativeLocation")
    parts = Path(location.replace("\\", "/").lstrip("/"))
    if "\0" in location or not location.strip() or parts.name.startswith("."):
        raise _bad(f"{location!r} is not a valid path.", "RelativeLocation")
    try:
        path = (root / parts).resolve()
        too_long = any(len(os.fsencode(part)) > _NAME_BYTES for part in path.parts)
    except (OSError, UnicodeError, RuntimeError):  # a loop of links, or an invalid name
        raise _bad(f"{location!r} is not a valid path.", "RelativeLocation") from None
    if too_long:
        raise _bad(f"A name may have at most {_NAME_BYTES} bytes.", "RelativeLocation")
    if not path.is_relative_to(root) or path == root:
        raise _bad(f"{location!r} is outside the batch folder.", "RelativeLocation")
    return path


def _check_ending(name: str, source: str) -> None:
    if not name.lower().endswith(ENDINGS):
        raise _bad(f"{source!r} does not end in one of {', '.join(ENDINGS)}.", "Input")


def _bad(detail: str, target: str) -> Fault:
    return bad_argument("BatchJobInputsInvalid", detail, target=target)
