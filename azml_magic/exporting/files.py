"""Reading and writing the files of an export."""

from __future__ import annotations

import os
from os import PathLike
from pathlib import Path

from azml_magic.contract.profile import CLASSIC
from azml_magic.errors import OptionError
from azml_magic.module.bundle import read_bundle
from azml_magic.module.exported import manifest_of
from azml_magic.module.manifest import Manifest


def module_zip(module: object) -> Manifest | None:
    """Return the manifest of a path to a module zip; ``None`` for anything else."""
    if not isinstance(module, (str, PathLike)) or not str(module).endswith(".zip"):
        return None
    if not Path(os.path.expanduser(module)).is_file():
        return None
    return manifest_of(read_bundle(module, CLASSIC)[0])


def write_zip(place: Path, content: bytes) -> None:
    """Write a zip, whole or not at all.

    Raises
    ------
    OptionError
        When it does not end in ``.zip``, or cannot be written.
    """
    if place.suffix.lower() != ".zip":
        raise OptionError(f"{place.name} does not end in .zip", f"name it {place.stem}.zip")
    partial = place.with_name(f".{place.name}.partial")
    try:
        partial.write_bytes(content)
        partial.replace(place)
    except OSError as error:
        raise OptionError(f"{place} cannot be written: {error.strerror}") from error
