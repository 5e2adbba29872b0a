"""Reading the files of a module zip, from the zip or the folder that it was unpacked into."""

from __future__ import annotations

import os
import zipfile


def root() -> str:
    """Return the path of the zip or of the folder that contains this runtime."""
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
