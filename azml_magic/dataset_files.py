"""Datasets as files, for the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from azml_magic.errors import OptionError, PortError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

ENDINGS = (".csv", ".tsv", ".parquet", ".feather")


def read_table(path: str | None) -> pd.DataFrame | None:
    """Read a dataset from a path; return ``None`` for ``None``.

    Raises
    ------
    PortError
        When the file does not exist or cannot be read.
    OptionError
        When its extension is unknown.
    """
    if path is None:
        return None
    file = Path(path)
    _check_ending(file)
    if not file.is_file():
        siblings = [item.name for item in file.parent.glob("*")] if file.parent.is_dir() else []
        raise PortError(f"no file {path}", did_you_mean(file.name, siblings))
    return parse_table(file, path)


def parse_table(source: Path | BinaryIO, name: str) -> pd.DataFrame:
    """Read a dataset from a path or an open file, in the format given by the name's extension.

    Raises
    ------
    PortError
        When it cannot be read.
    OptionError
        When the extension is unknown.
    """
    import pandas as pd

    readers: dict[str, Callable[[Any], Any]] = {
        ".csv": pd.read_csv,
        ".tsv": lambda given: pd.read_csv(given, sep="\t"),
        ".parquet": pd.read_parquet,
        ".feather": pd.read_feather,
    }
    _check_ending(Path(name))
    try:
        frame: pd.DataFrame = readers[Path(name).suffix.lower()](source)
    except (ValueError, OSError) as error:
        raise PortError(f"{name} cannot be read: {error}", "check its format") from error
    return frame


def write_table(frame: pd.DataFrame, path: str) -> Path:
    """Write a frame in the format given by the path's extension; return the path.

    Raises
    ------
    OptionError
        When the extension is unknown, or the folder does not exist.
    """
    file = Path(path)
    format_table(frame, file, path)
    return file


def format_table(frame: pd.DataFrame, target: Path | BinaryIO, name: str) -> None:
    """Write a frame to a path or an open file, in the format given by the name's extension.

    Raises
    ------
    OptionError
        When the extension is unknown, or the file cannot be written.
    """
    _check_ending(Path(name))
    ending = Path(name).suffix.lower()
    try:
        if ending == ".parquet":
            frame.to_parquet(target)
        elif ending == ".feather":
            frame.to_feather(target)
        else:
            frame.to_csv(target, index=False, sep="\t" if ending == ".tsv" else ",")
    except OSError as error:
        raise OptionError(f"{name} cannot be written: {error.strerror}") from error


def _check_ending(file: Path) -> None:
    if file.suffix.lower() not in ENDINGS:
        raise OptionError(f"{file.name} has no known extension", f"use one of {', '.join(ENDINGS)}")
