"""The files of a module zip, as the zip or as the folder that it was unpacked to."""

from __future__ import annotations

import os
import zipfile


def root() -> str:
    """Return the path of the zip or of the folder that this runtime lies in."""
    path = os.path.abspath(__file__)
    # <root>/_azml_runtime/exporting/runtime/zip_files.py
    for _ in range(4):
        path = os.path.dirname(path)
    return path


def read(place: str, name: str) -> bytes:
    """Return the content of a file of the zip or folder `place`."""
    if os.path.isdir(place):
        with open(os.path.join(place, *name.split("/")), "rb") as file:
            return file.read()
    with zipfile.ZipFile(place) as archive:
        return archive.read(name)
