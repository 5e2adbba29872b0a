"""Reading an untrusted zip: every entry is checked before any is decompressed."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

from azml_magic.errors import BundleError
from azml_magic.module.entries import (
    Unpacked,
    cannot_unpack,
    check_amount,
    check_no_collisions,
    safe_parts,
)

# The list of entries is parsed at once; 20,000 entries with ordinary names need a tenth of this.
_READ_BYTES = 32 << 20
_CHUNK_BYTES = 1 << 20
_LOCAL_HEADER_BYTES = 30
_ENCRYPTED = 0x1 | 0x40
_FAULTS = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    NotImplementedError,
    OverflowError,
    RuntimeError,
    ValueError,
)


class _BoundedFile(io.BufferedReader):
    """A file that refuses large reads, whatever the zip's headers ask for."""

    def read(self, size: int | None = -1) -> bytes:
        whole = size is None or size < 0
        content = super().read(_READ_BYTES + 1 if whole else min(size or 0, _READ_BYTES + 1))
        if len(content) > _READ_BYTES:
            raise zipfile.BadZipFile("its list of entries is too long")
        return content


def read_zip(path: Path, max_bytes: int, *, strips: bool) -> Unpacked:
    """Read all files of a zip.

    Only stored and deflated entries are accepted: every unpacker supports these, and their
    decompression can be bounded.

    Parameters
    ----------
    path : Path
        The zip.
    max_bytes : int
        Limit of the total unpacked size.
    strips : bool
        Whether paths that lead outside are cut so that they stay inside; otherwise they are
        refused (rule Z8).

    Returns
    -------
    Unpacked
        The files, by safe path.

    Raises
    ------
    BundleError
        When it is not a zip, is damaged, or holds something that is never unpacked.
    """
    try:
        with _BoundedFile(io.FileIO(path)) as file, zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
            size = sum(entry.file_size for entry in entries)
            check_amount(path.name, len(entries), size, max_bytes)
            _check_overlaps(entries, path.name)
            unpacked = Unpacked()
            targets = [_target(entry, path.name, strips, unpacked) for entry in entries]
            files = [
                (target, entry)
                for target, entry in zip(targets, entries, strict=True)
                if target and not entry.orig_filename.endswith(("/", "\\"))
            ]
            check_no_collisions([target for target, _ in files], path.name)
            for target, entry in files:
                unpacked.files[target] = _content(archive, entry)
    except BundleError:
        raise
    except _FAULTS as error:
        reason = f"cannot be unpacked: {error or type(error).__name__}"
        raise cannot_unpack(path.name, reason, "give a .zip, or a folder") from error
    return unpacked


def _target(entry: zipfile.ZipInfo, bundle: str, strips: bool, unpacked: Unpacked) -> str:
    """Check one entry by its headers; return its path inside the bundle."""
    # zipfile cuts names at a NUL; orig_filename still has it.
    shown = entry.orig_filename
    parts, outside = safe_parts(shown, bundle)
    if outside and not strips:
        raise cannot_unpack(
            bundle,
            f"has an entry that leads outside of it: {shown!r}",
            "zip the files with relative paths",
            rule="Z8",
        )
    if outside:
        unpacked.stripped.append(shown)
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in {0, stat.S_IFREG, stat.S_IFDIR}:
        what = "a symbolic link" if kind == stat.S_IFLNK else "a special file"
        raise cannot_unpack(bundle, f"holds {what}: {shown!r}", "put the file itself into the zip")
    if entry.flag_bits & _ENCRYPTED:
        raise cannot_unpack(bundle, f"is encrypted: {shown!r}", "zip the files without a password")
    if entry.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise cannot_unpack(
            bundle,
            f"uses a compression that few unpackers support: {shown!r}",
            "zip the files with standard compression (deflate)",
        )
    return "/".join(parts)


def _check_overlaps(entries: Sequence[zipfile.ZipInfo], bundle: str) -> None:
    """Refuse entries that share compressed bytes, as decompression bombs do."""
    end = 0
    for entry in sorted(entries, key=lambda entry: entry.header_offset):
        if entry.header_offset < end:
            raise cannot_unpack(bundle, f"has entries that overlap: {entry.orig_filename!r}")
        name = len(entry.orig_filename)
        end = entry.header_offset + _LOCAL_HEADER_BYTES + name + entry.compress_size


def _content(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    # zipfile stops at the declared size and compares the checksum there.
    pieces = []
    with archive.open(entry) as file:
        while piece := file.read(_CHUNK_BYTES):
            pieces.append(piece)
    content = b"".join(pieces)
    if len(content) != entry.file_size:
        raise zipfile.BadZipFile(f"{entry.filename!r} is truncated")
    return content
