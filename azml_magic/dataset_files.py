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
    """Read a dataset; ``None`` stays ``None``.

    Raises
    ------
    PortError
        When the file is not there or cannot be read.
    OptionError
        When its ending names no format.
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
    """Read a dataset from a file or an open file in the format that the name's ending tells.

    Raises
    ------
    PortError
        When it cannot be read.
    OptionError
        When the ending names no format.
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
    """Write a frame in the format that the ending names; return the path.

    Raises
    ------
    OptionError
        When the ending names no format, or the folder is not there.
    """
    file = Path(path)
    format_table(frame, file, path)
    return file


def format_table(frame: pd.DataFrame, target: Path | BinaryIO, name: str) -> None:
    """Write a frame to a file or an open file in the format that the name's ending tells.

    Raises
    ------
    OptionError
        When the ending names no format, or it cannot be written.
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
        raise OptionError(
            f"{file.name} has no known ending", f"name it with one of {', '.join(ENDINGS)}"
        )
