"""A module before it runs: from text, a function, a file or a zip."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from azml_magic.contract.profile import CLASSIC
from azml_magic.errors import ModuleError, did_you_mean
from azml_magic.module.bundle import Bundle, read_bundle
from azml_magic.module.exported import manifest_of, own_bundle
from azml_magic.module.functions import read_function
from azml_magic.module.global_names import ENTRY_POINT, read_names
from azml_magic.module.manifest import Manifest
from azml_magic.module.syntax import decode, parse
from azml_magic.protocol.options import Options

_SUFFIXES = (".py", ".zip")


@dataclass(frozen=True)
class Module:
    """Source code with an ``azureml_main``, and what belongs to it.

    Attributes
    ----------
    source : str
        Source text of the module.
    label : str
        Where the source is, as shown to the user: ``"Cell In[5]"``, ``"module.py"``.
    first_line : int
        The line there at which the source begins, counted from 1: 2 for a cell whose first
        line is the magic.
    name : str
        Name under which the module is remembered; empty for none.
    bundle : Bundle or None
        Its own script bundle.
    profile : str or None
        Its own profile, ``"classic"`` or ``"designer"``; ``None`` for that of the run.
    file : str
        The file name under which a debugger knows the source; empty for none.
    options : mapping of str to object
        Its own options of a run, which change its inputs; they apply wherever it runs.
    language : str
        The language of the source, by its name in ``languages.language.LANGUAGES``.
    """

    source: str
    label: str = "module"
    first_line: int = 1
    name: str = ""
    bundle: Bundle | None = None
    profile: str | None = None
    file: str = field(default="", compare=False)
    options: Mapping[str, Any] = field(default_factory=dict)
    language: str = "python"

    def own(self, options: Options) -> Options:
        """Return options of a run, overridden by this module's own profile and options."""
        return replace(options, profile=self.profile or options.profile, **self.options)

    @classmethod
    def from_source(
        cls,
        text: str,
        *,
        label: str = "module",
        first_line: int = 1,
        name: str = "",
        file: str = "",
    ) -> Module:
        """Make a module from source text, which is not compiled until it runs.

        Parameters
        ----------
        text : str
            Source of the module.
        label, first_line, name, file
            As for the attributes.

        Raises
        ------
        ModuleError
            When the text is empty.
        """
        if not text.strip():
            raise ModuleError("the source is empty", f"define {ENTRY_POINT} in it")
        return cls(text, label, first_line, name, file=file)

    @classmethod
    def from_function(
        cls, function: Callable[..., Any], *, label: str = "", name: str = ""
    ) -> Module:
        """Make a module from one function, whatever its name.

        Only the function's own lines are included: as in the cloud, it must itself define or import
        everything else that it uses.

        Parameters
        ----------
        function : function
            A Python function with source.
        label : str
            Where it is defined; by default its file or its name.
        name : str
            Name under which the module is remembered.

        Raises
        ------
        ModuleError
            When it is a lambda or not a function, or its source is not known.
        """
        found = read_function(function)
        return cls(found.source, label or found.label, found.first_line, name, file=found.file)

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> Module:
        """Read a module from a ``.py`` file.

        The encoding is UTF-8 unless a byte order mark or a coding line says otherwise (PEP 263).

        Raises
        ------
        ModuleError
            When the file does not exist, or is not text.
        """
        place = _existing(path)
        try:
            text = decode(place.read_bytes())
        except SyntaxError as error:
            raise ModuleError(f"{place.name} is not Python source: {error.msg}") from error
        except OSError as error:
            raise ModuleError(f"{place.name} cannot be read: {error.strerror}") from error
        return cls.from_source(text, label=place.name, file=str(place.resolve()))

    @classmethod
    def from_zip(cls, path: str | os.PathLike[str]) -> Module:
        """Read a module from a zip, which is also its script bundle.

        The module is ``__main__.py``, or the only top-level file that defines
        ``azureml_main``. An exported zip gives back the module that was exported, with its
        own bundle, profile and options.

        Raises
        ------
        ModuleError
            When the zip does not exist, or does not hold exactly one such file.
        BundleError
            When the zip cannot be unpacked, or was changed after its export.
        """
        place = _existing(path)
        bundle, _ = read_bundle(place, CLASSIC)
        manifest = manifest_of(bundle)
        if manifest is not None:
            return _exported(bundle, manifest)
        file, text = _entry_file(bundle)
        return replace(cls.from_source(text, label=f"{place.name}/{file}"), bundle=bundle)

    @classmethod
    def from_path(cls, path: str | os.PathLike[str]) -> Module:
        """Read a module from a ``.py`` file or a zip.

        Raises
        ------
        ModuleError
            When it is neither.
        BundleError
            When it is a zip that cannot be unpacked.
        """
        place = _existing(path)
        if place.suffix.lower() not in _SUFFIXES:
            hint = "give a .py file, or a zip that contains one"
            if place.suffix.lower() == ".ipynb":
                hint = "run the notebook's cell with %%azureml_module, or save it as a .py file"
            raise ModuleError(f"{place.name} is neither a .py file nor a zip", hint)
        return cls.from_zip(place) if place.suffix.lower() == ".zip" else cls.from_file(place)


def as_module(thing: Module | Callable[..., Any] | str | os.PathLike[str]) -> Module:
    """Make a module from source text, a function or a path.

    Parameters
    ----------
    thing : Module, function, str or path
        Text with several lines, or with a ``def``, is source; any other text is a path.

    Raises
    ------
    ModuleError
        When it is none of these, or contains no module.
    BundleError
        When it is a zip that cannot be unpacked.
    """
    if isinstance(thing, Module):
        return thing
    if isinstance(thing, str):
        return Module.from_source(thing) if _is_source(thing) else Module.from_path(thing)
    if isinstance(thing, os.PathLike):
        return Module.from_path(thing)
    if callable(thing):
        return Module.from_function(thing)
    raise ModuleError(
        f"a {type(thing).__name__} is not a module",
        "give source text, a function, a .py file or a zip",
    )


def _is_source(text: str) -> bool:
    if "\n" in text or not text.strip():
        return True
    if text.endswith(_SUFFIXES) and not text.lstrip().startswith("def "):
        return False
    return not os.path.exists(text) and any(sign in text for sign in ("def ", "=", "import "))


def _existing(path: str | os.PathLike[str]) -> Path:
    place = Path(os.path.expanduser(path))
    if place.is_file():
        return place
    if place.is_dir():
        raise ModuleError(f"{str(path)!r} is a folder", "give the .py file or the zip in it")
    folder = place.parent
    if not folder.is_dir():
        raise ModuleError(f"there is no file {str(path)!r}", f"there is no folder {str(folder)!r}")
    known = [entry.name for entry in folder.iterdir() if entry.suffix in _SUFFIXES]
    otherwise = "give source text, a function, a .py file or a zip"
    raise ModuleError(f"there is no file {str(path)!r}", did_you_mean(place.name, known, otherwise))


def _exported(bundle: Bundle, manifest: Manifest) -> Module:
    """Return the module of an exported zip."""
    try:
        text = decode(dict(bundle.files)[manifest.source_file])
    except SyntaxError as error:
        raise ModuleError(f"{manifest.source_file} is not Python source: {error.msg}") from error
    module = Module.from_source(
        text, label=f"{bundle.name}/{manifest.source_file}", name=manifest.name
    )
    return replace(
        module,
        bundle=own_bundle(bundle, manifest),
        profile=manifest.profile,
        options=manifest.options,
    )


def _entry_file(bundle: Bundle) -> tuple[str, str]:
    """Return the name and the text of the bundle's file that is the module."""
    found: dict[str, str] = {}
    for name, content in bundle.files:
        if "/" not in name and name.endswith(".py"):
            try:
                text = decode(content)
                if ENTRY_POINT in text and ENTRY_POINT in read_names(parse(text)).defined:
                    found[name] = text
            except SyntaxError:
                continue
    if "__main__.py" in found:
        return "__main__.py", found["__main__.py"]
    if len(found) == 1:
        return found.popitem()
    hint = f"put one file with {ENTRY_POINT} at the top level of the zip, ideally __main__.py"
    if found:
        listed = ", ".join(sorted(found))
        raise ModuleError(f"{bundle.name} has several files with {ENTRY_POINT}: {listed}", hint)
    raise ModuleError(f"{bundle.name} has no top-level file with {ENTRY_POINT}", hint)
