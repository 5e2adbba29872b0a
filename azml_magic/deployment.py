"""The Python API for exporting, serving and importing modules."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from azml_magic import api
from azml_magic.contract.profile import get_profile
from azml_magic.errors import OptionError, did_you_mean
from azml_magic.exporting import notebook_files
from azml_magic.exporting.build import Contents, build, script_box
from azml_magic.exporting.component import INPUT_TYPES
from azml_magic.exporting.files import module_zip, write_zip
from azml_magic.exporting.imported import Imported, read_source
from azml_magic.exporting.likely_ports import likely_ports
from azml_magic.exporting.recorded import Recorded, record
from azml_magic.exporting.review import review
from azml_magic.module.bundle import Bundle, open_bundle
from azml_magic.module.manifest import Manifest
from azml_magic.module.module import Module, as_module
from azml_magic.protocol.options import Options
from azml_magic.result import Finding
from azml_magic.temporary import OwnFolder

if TYPE_CHECKING:
    import pandas as pd

    from azml_magic.serving.running_service import RunningService
    from azml_magic.serving.service_settings import ServiceSettings


@dataclass(frozen=True)
class Export:
    """A module zip that was written.

    Attributes
    ----------
    path : Path
        The zip.
    sha256 : str
        Hash of its bytes, in hexadecimal; the same module gives the same hash.
    manifest : Manifest
        The manifest of the zip.
    script_box : str
        The text for the script box, when the zip is on the third port.
    findings : tuple of Finding
        The findings, which are in the manifest too.
    """

    path: Path
    sha256: str
    manifest: Manifest
    script_box: str
    findings: tuple[Finding, ...]

    def __repr__(self) -> str:
        ports = ", ".join(self.manifest.ports) or "no input"
        return f"<Export {self.path}: {self.manifest.name} ({ports}), sha256 {self.sha256[:12]}>"


def export(
    module: Module | Callable[..., Any] | str | PathLike[str],
    path: str | PathLike[str],
    dataset1: pd.DataFrame | None = None,
    dataset2: pd.DataFrame | None = None,
    bundle: Bundle | str | PathLike[str] | None = None,
    *,
    name: str = "",
    profile: str = "classic",
    include: Collection[str] = (),
    folder: str | PathLike[str] = ".",
    recorded: Recorded | None = None,
    input_type: str = "uri_file",
    force: bool = False,
    **options: Any,
) -> Export:
    """Write a module as one zip that runs everywhere modules run.

    Parameters
    ----------
    module, bundle, profile
        As for :func:`azml_magic.run`.
    path : path
        The zip to write; an existing one is replaced.
    dataset1, dataset2 : pandas.DataFrame, optional
        Sample inputs. If given, the module is run once, under its contract, and the columns of
        its inputs and outputs are recorded, but not their values.
    name : str
        Name of the module in the zip; by default its own name, or the zip's.
    include : collection of str
        Modules and files of `folder` to put into the bundle.
    folder : path
        The notebook's folder.
    recorded : Recorded, optional
        The columns recorded in an earlier run, instead of samples.
    input_type : {"uri_file", "uri_folder"}
        Type of the component's inputs.
    force : bool
        Export despite findings of level error and local modules that are left out.
    **options
        Options of :func:`azml_magic.run` for the run on the samples; ``dates`` and ``text`` are
        stored in the zip.

    Returns
    -------
    Export
        The path of the zip, and what is in it.

    Raises
    ------
    ExportError
        When findings, names or files block it.
    OptionError
        When an option is unknown, or has an invalid value.
    RunError
        When the module fails on the samples.
    """
    prepared = as_module(module)
    chosen = prepared.own(Options.of(profile=profile, **options))
    rules = chosen.profile
    place = Path(path)
    if input_type not in INPUT_TYPES:
        raise OptionError(
            f"input_type is {' or '.join(map(repr, INPUT_TYPES))}, not {input_type!r}",
            did_you_mean(input_type, INPUT_TYPES),
        )
    given, found = open_bundle(bundle, get_profile(rules))
    opened = notebook_files.with_included(given or prepared.bundle, include, Path(folder))
    module_name = name or prepared.name or place.stem
    findings = (*found, *review(prepared, opened, rules, Path(folder), force=force))
    datasets = {"dataset1": dataset1, "dataset2": dataset2}
    if any(frame is not None for frame in datasets.values()):
        result = api.run(prepared, dataset1, dataset2, opened, profile=rules, **options)
        recorded = record(datasets, result)
    ports = tuple(recorded.inputs) if recorded is not None else likely_ports(prepared.source)
    contents = Contents(
        name=module_name,
        source=prepared.source,
        bundle=opened,
        profile=rules,
        ports=ports,
        inputs=recorded.inputs if recorded is not None else {},
        outputs=recorded.outputs if recorded is not None else {},
        options=chosen.data(),
        findings=findings,
        input_type=input_type,
    )
    content, manifest = build(contents)
    write_zip(place, content)
    digest = hashlib.sha256(content).hexdigest()
    return Export(place, digest, manifest, script_box(module_name), findings)


def serve(
    module: Module | Callable[..., Any] | str | PathLike[str],
    dataset1: pd.DataFrame | None = None,
    dataset2: pd.DataFrame | None = None,
    bundle: Bundle | str | PathLike[str] | None = None,
    *,
    settings: ServiceSettings | None = None,
    **options: Any,
) -> RunningService:
    """Serve a module as a web service, in a separate process that ends with this one.

    Parameters
    ----------
    module : Module, function, str or path
        A module zip is served unchanged; anything else is exported first.
    dataset1, dataset2, bundle, options
        As for :func:`export`, for anything but a module zip.
    settings : ServiceSettings, optional
        Address, keys and limits; by default a free local port, without a key.

    Returns
    -------
    RunningService
        With ``url``, ``score_url`` and ``stop()``.

    Raises
    ------
    AzmlError
        When the module cannot be exported, or the server cannot start.
    """
    from azml_magic.serving.running_service import RunningService
    from azml_magic.serving.service_settings import ServiceSettings

    chosen = settings or ServiceSettings(port=0)
    manifest = module_zip(module)
    if manifest is not None:
        return RunningService(manifest.name, str(module), chosen)
    folder = OwnFolder("azml-service")
    try:
        prepared = as_module(module)
        place = folder.path / f"{prepared.name or 'module'}.zip"
        name = options.pop("name", "") or prepared.name or _file_name(prepared)
        made = export(prepared, place, dataset1, dataset2, bundle, name=name, **options)
        return RunningService(made.manifest.name, str(place), chosen, folder)
    except BaseException:
        folder.close()
        raise


def import_cell(
    path: str | PathLike[str],
    bundle: str | PathLike[str] | None = None,
    *,
    folder: str | PathLike[str] = ".",
) -> Imported:
    """Turn a script box's text, a zip or a ``.py`` file back into a notebook cell.

    Parameters
    ----------
    path : path
        A file with the text of a script box, a ``.py`` file, or a zip.
    bundle : path, optional
        Its script bundle.
    folder : path
        The folder to write a bundle to that is inside the zip, as ``NAME_bundle.zip``.

    Returns
    -------
    Imported
        The cell's text, and the path of its bundle.

    Raises
    ------
    ModuleError
        When it contains no module.
    BundleError
        When the zip cannot be unpacked, or was changed after its export.
    """
    return read_source(Path(path), bundle, Path(folder))


def _file_name(module: Module) -> str:
    """Return a name for an unnamed module: that of its file, if it is valid."""
    stem = Path(module.label).stem
    return stem if stem.isidentifier() and stem != "module" else "scoring_module"
