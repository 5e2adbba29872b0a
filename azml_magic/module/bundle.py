"""The script bundle: files of a zip or a folder, all checked before any is unpacked."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from azml_magic.contract.profile import Profile
from azml_magic.errors import BundleError, did_you_mean
from azml_magic.findings import CODES
from azml_magic.module.archive import read_zip
from azml_magic.module.entries import BUNDLE_BYTES, Unpacked
from azml_magic.module.folder import read_folder
from azml_magic.result import Finding

_RESERVED = {"test", "app"}
_COMPILED = {".pyc", ".pyd", ".so"}


@dataclass(frozen=True)
class Bundle:
    """The files of a script bundle.

    Attributes
    ----------
    name : str
        File or folder name, for messages.
    files : tuple of (str, bytes)
        Relative paths with ``/`` separators, safe to create in a folder, and contents; sorted
        by path.
    """

    name: str
    files: tuple[tuple[str, bytes], ...] = ()

    @property
    def modules(self) -> tuple[str, ...]:
        """The importable top-level names, sorted (rules Z3 and Z5)."""
        return importable(path for path, _ in self.files)

    def __repr__(self) -> str:
        size = sum(len(content) for _, content in self.files)
        return f"<Bundle {self.name}: {len(self.files)} files, {size:,} bytes>"


def open_bundle(
    bundle: Bundle | str | os.PathLike[str] | None, profile: Profile
) -> tuple[Bundle | None, list[Finding]]:
    """Return a script bundle, reading it if a path is given, and its findings.

    Raises
    ------
    BundleError
        As :func:`read_bundle`.
    """
    if bundle is None or isinstance(bundle, Bundle):
        return bundle, []
    return read_bundle(bundle, profile)


def read_bundle(
    path: str | os.PathLike[str], profile: Profile, *, max_bytes: int = BUNDLE_BYTES
) -> tuple[Bundle, list[Finding]]:
    """Read a script bundle; nothing is written anywhere.

    Zips inside the zip are not unpacked (rule Z8a). Hidden files and ``__pycache__`` of a folder
    are left out: nobody would upload version control data, checkpoints and caches.

    Parameters
    ----------
    path : str or path
        A zip or a folder.
    profile : Profile
        Its ``unsafe_bundle_entries`` (``"refuse"`` or ``"strip"``) applies to paths that lead
        outside (rule Z8).
    max_bytes : int
        Limit of the total unpacked size.

    Returns
    -------
    Bundle
        The files.
    list of Finding
        What may differ in the cloud.

    Raises
    ------
    BundleError
        When the zip or folder does not exist, cannot be unpacked (Error 0102, rule Z7), or
        holds something that is never unpacked: links, encrypted files, colliding names.
    """
    place = Path(os.path.expanduser(path))
    if place.is_dir():
        unpacked = read_folder(place, max_bytes)
    elif place.is_file():
        unpacked = read_zip(place, max_bytes, strips=profile.unsafe_bundle_entries == "strip")
    else:
        raise BundleError(f"there is no script bundle {str(path)!r}", _missing_hint(place))
    name = place.name or place.resolve().name
    bundle = Bundle(name, tuple(sorted(unpacked.files.items())))
    return bundle, _findings(bundle, unpacked, profile)


def importable(paths: Iterable[str]) -> tuple[str, ...]:
    """Return the sorted top-level names that can be imported from files at `paths`."""
    names: set[str] = set()
    for text in paths:
        path = PurePosixPath(text)
        if path.suffix == ".py" or path.suffix in _COMPILED:
            # "fast.cpython-311-x86_64-linux-gnu.so" imports as "fast".
            top = path.parts[0]
            names.add(top if len(path.parts) > 1 else top.partition(".")[0])
    return tuple(sorted(name for name in names if name.isidentifier()))


def _missing_hint(place: Path) -> str:
    folder = place.parent
    if not folder.is_dir():
        return f"there is no folder {str(folder)!r} either"
    known = [entry.name for entry in folder.iterdir() if entry.is_dir() or entry.suffix == ".zip"]
    return did_you_mean(place.name, known, "give the path of a .zip or of a folder")


def _findings(bundle: Bundle, unpacked: Unpacked, profile: Profile) -> list[Finding]:
    findings = []
    if unpacked.stripped:
        message = f"paths outside the bundle were cut: {_listed(unpacked.stripped)}"
        fix = "zip the files with relative paths"
        findings.append(CODES["AZ281"].at(None, message, fix, "Z8"))
    clashes = _case_clashes([path for path, _ in bundle.files])
    if clashes:
        message = f"names differ in case only: {_listed(clashes)}; Windows keeps one of them"
        findings.append(CODES["AZ282"].at(None, message, "rename one of them", "Z4"))
    tops = {path.partition("/")[0].partition(".")[0].lower() for path, _ in bundle.files}
    reserved = _RESERVED & tops
    if reserved and profile.name == "designer":
        message = f"the designer reserves these names: {_listed(sorted(reserved))}"
        findings.append(CODES["AZ283"].at(None, message, "rename the file in the bundle", "X5"))
    if unpacked.hidden:
        message = f"hidden files were left out: {_listed(unpacked.hidden)}"
        fix = "give them names without a leading dot, or give a zip"
        findings.append(CODES["AZ284"].at(None, message, fix))
    wrapped = _wrapping_folder(bundle)
    if wrapped:
        folder, module = wrapped
        message = f"the bundle holds only the folder {folder!r}: import {folder}.{module}"
        fix = "to import the modules by their own names, zip the folder's contents"
        findings.append(CODES["AZ285"].at(None, message, fix, "Z4"))
    return findings


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(repr(name) for name in names[:5]) + more


def _case_clashes(paths: Sequence[str]) -> list[str]:
    by_folded: dict[str, list[str]] = {}
    for path in paths:
        by_folded.setdefault(path.casefold(), []).append(path)
    return [path for same in by_folded.values() if len(same) > 1 for path in same]


def _wrapping_folder(bundle: Bundle) -> tuple[str, str] | None:
    """Return the one folder that holds everything and a module in it, unless it is a package."""
    tops = {path.partition("/")[0] for path, _ in bundle.files}
    if len(tops) != 1:
        return None
    folder = tops.pop()
    inside = [PurePosixPath(path).relative_to(folder) for path, _ in bundle.files]
    modules = [path.stem for path in inside if len(path.parts) == 1 and path.suffix == ".py"]
    return (folder, modules[0]) if modules and "__init__" not in modules else None
