"""Datasets as files, for the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
    import pandas as pd

    file = Path(path)
    readers: dict[str, Callable[[Path], Any]] = {
        ".csv": pd.read_csv,
        ".tsv": lambda name: pd.read_csv(name, sep="\t"),
        ".parquet": pd.read_parquet,
        ".feather": pd.read_feather,
    }
    _check_ending(file)
    if not file.is_file():
        siblings = [item.name for item in file.parent.glob("*")] if file.parent.is_dir() else []
        raise PortError(f"no file {path}", did_you_mean(file.name, siblings))
    try:
        frame: pd.DataFrame = readers[file.suffix.lower()](file)
    except (ValueError, OSError) as error:
        raise PortError(f"{path} cannot be read: {error}", "check its format") from error
    return frame


def write_table(frame: pd.DataFrame, path: str) -> Path:
    """Write a frame in the format that the ending names; return the path.

    Raises
    ------
    OptionError
        When the ending names no format, or the folder is not there.
    """
    file = Path(path)
    _check_ending(file)
    ending = file.suffix.lower()
    try:
        if ending == ".parquet":
            frame.to_parquet(file)
        elif ending == ".feather":
            frame.to_feather(file)
        else:
            frame.to_csv(file, index=False, sep="\t" if ending == ".tsv" else ",")
    except OSError as error:
        raise OptionError(f"{path} cannot be written: {error.strerror}") from error
    return file


def _check_ending(file: Path) -> None:
    if file.suffix.lower() not in ENDINGS:
        raise OptionError(
            f"{file.name} has no known ending", f"name it with one of {', '.join(ENDINGS)}"
        )
