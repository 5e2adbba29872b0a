"""The script bundle in the run folder: files, import path and backslash paths.

Implements rules Z1 to Z9, and the backslash paths of scripts written for Windows.
"""

from __future__ import annotations

import os
import sys
from typing import Iterable, Sequence, Tuple

FOLDER = "Script Bundle"
LITERAL_ENTRY = ".\\Script Bundle"
NAME_BYTES = 255


def write(folder: str, files: Iterable[Tuple[str, bytes]]) -> str:
    """Write the bundle's files to ``folder/Script Bundle``; return that path.

    Parameters
    ----------
    folder : str
        The working directory of the module.
    files : iterable of (str, bytes)
        Checked relative paths with ``/`` separators, and contents.
    """
    root = os.path.join(folder, FOLDER)
    os.makedirs(root, exist_ok=True)
    _link(folder, [FOLDER], is_folder=True)
    for name, content in files:
        parts = name.split("/")
        path = os.path.join(root, *parts)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)
        for depth in range(1, len(parts) + 1):
            _link(folder, [FOLDER, *parts[:depth]], is_folder=depth < len(parts))
    return root


def _link(folder: str, parts: Sequence[str], *, is_folder: bool) -> None:
    r"""Make ``.\a\b`` and ``a\b`` in `folder` refer to ``a/b``, as on Windows."""
    target = os.path.join(*parts)
    backslashed = "\\".join(parts)
    endings = ("", "\\") if is_folder else ("",)
    for name in (start + backslashed + end for start in (".\\", "") for end in endings):
        path = os.path.join(folder, name)
        if len(os.fsencode(name)) < NAME_BYTES and not os.path.lexists(path):
            os.symlink(target, path)


def add_to_path(bundle: str) -> None:
    r"""Append the bundle to ``sys.path``: the literal ``.\Script Bundle`` and its full path.

    Appended, so that the standard library and installed packages take precedence (rule Z2).
    """
    sys.path.append(LITERAL_ENTRY)
    sys.path.append(bundle)
