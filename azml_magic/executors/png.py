"""Images that a run left in its folder, read after every process of the run has ended."""

from __future__ import annotations

import contextlib
import os
import stat
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from azml_magic.result import Figure

SIGNATURE = b"\x89PNG\r\n\x1a\n"
FILE_BYTES = 32 << 20
TOTAL_BYTES = 128 << 20
FIGURES = 100
PIXELS = 64_000_000
FOLDER_ENTRIES = 100_000


class NotAnImage(ValueError):
    """The file is not a PNG that can be shown; the message says why."""


def regular_files(folder: Path) -> list[str]:
    """Return the names of plain files at the top of `folder`, sorted ignoring case (rule W5)."""
    names = []
    with _opened(folder) as descriptor:
        if descriptor is None:
            return []
        with os.scandir(descriptor) as entries:
            for number, entry in enumerate(entries):
                if number >= FOLDER_ENTRIES:
                    break
                if entry.is_file(follow_symlinks=False):
                    names.append(entry.name)
    return sorted(names, key=lambda name: (name.lower(), name))


@contextlib.contextmanager
def _opened(folder: Path) -> Iterator[int | None]:
    """Open a folder of the run; None if it is not one, such as a link that a module put there."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        yield None
        return
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def read_figure(folder: Path, file: str, name: str) -> Figure:
    """Read and check one image.

    Parameters
    ----------
    folder : Path
        The folder, which no process can change any more.
    file : str
        File name in it; links and special files are refused.
    name : str
        The name to show.

    Raises
    ------
    NotAnImage
        When the bytes are not a whole PNG of a size that can be shown.
    """
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    with _opened(folder) as opened_folder:
        if opened_folder is None:
            raise NotAnImage("its folder is missing")
        try:
            descriptor = os.open(file, flags, dir_fd=opened_folder)
        except OSError as error:
            raise NotAnImage(error.strerror or "it cannot be read") from None
    with open(descriptor, "rb") as opened:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise NotAnImage("it is not a regular file")
        if status.st_size > FILE_BYTES:
            raise NotAnImage(f"it is larger than {FILE_BYTES >> 20} MiB")
        data = opened.read(FILE_BYTES + 1)
    width, height = png_size(data)
    return Figure(name=name, png=data, width=width, height=height)


def png_size(data: bytes) -> tuple[int, int]:
    """Check that `data` is a PNG and nothing else; return its width and height in pixels.

    Every chunk is read and its checksum verified; nothing may follow the last one, so that
    a file that is a PNG and something else at once is refused. The number of pixels is taken
    from the header; they are never decompressed.
    """
    if not data.startswith(SIGNATURE):
        raise NotAnImage("it is not a PNG")
    kinds: list[bytes] = []
    size = (0, 0)
    for kind, body in _chunks(data):
        if kind == b"IHDR" and not kinds and len(body) == 13:
            size = struct.unpack(">II", body[:8])
        kinds.append(kind)
    if not kinds or kinds[0] != b"IHDR" or kinds[-1] != b"IEND" or b"IDAT" not in kinds:
        raise NotAnImage("it is an incomplete PNG")
    width, height = size
    if not 0 < width * height <= PIXELS:
        raise NotAnImage(f"it is {width} x {height} pixels")
    return width, height


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    offset = len(SIGNATURE)
    while offset < len(data):
        if offset + 12 > len(data):
            raise NotAnImage("it is a damaged PNG")
        (length,) = struct.unpack_from(">I", data, offset)
        end = offset + 8 + length
        if end + 4 > len(data):
            raise NotAnImage("it is a damaged PNG")
        kind, body = data[offset + 4 : offset + 8], data[offset + 8 : end]
        if zlib.crc32(data[offset + 4 : end]) != struct.unpack_from(">I", data, end)[0]:
            raise NotAnImage("it is a damaged PNG")
        yield kind, body
        offset = end + 4
        if kind == b"IEND":
            break
    if offset != len(data):
        raise NotAnImage("something follows the PNG in the file")
