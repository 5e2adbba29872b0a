"""The module of a zip, loaded into this process and called under its contract.

There is no sandbox here: whoever runs a module zip with plain Python, or deploys it, trusts it.
"""

from __future__ import annotations

import atexit
import importlib.util
import os
import sys
import tempfile
from types import SimpleNamespace
from typing import Any, Dict, List, Mapping, Optional

import pandas as pd

from azml_magic.contract.datasets import prepare_input
from azml_magic.contract.log_text import RAISED, error_text, failure_details
from azml_magic.contract.profile import rules_of
from azml_magic.contract.returned_values import ReturnRefused
from azml_magic.exporting.runtime.zip_files import read
from azml_magic.languages.call import Progress, call
from azml_magic.languages.python import bundle_folder, report, run_object, script
from azml_magic.module.manifest import MANIFEST_FILE, Manifest, read_manifest
from azml_magic.protocol.job_header import MODULE_FILE, RUN_FOLDERS, JobHeader
from azml_magic.protocol.options import Options
from azml_magic.temporary import OwnFolder


class Failed(Exception):
    """The module failed; the text is that of the cloud's error box."""


class Loaded:
    """A loaded module, ready to be called.

    Parameters
    ----------
    place : str
        Absolute path of the zip, or of the folder that it was unpacked into.

    Raises
    ------
    Failed
        When the module's top level fails.
    """

    def __init__(self, place: str) -> None:
        self.manifest: Manifest = read_manifest(read(place, MANIFEST_FILE), place)
        self._options = Options.of(profile=self.manifest.profile, **self.manifest.options)
        self.profile = rules_of(self._options)
        self._own = OwnFolder("azml-module")
        self.folder = str(self._own.path)
        # An endpoint is never closed; its process just ends.
        atexit.register(self._own.close)
        self.home = os.path.join(self.folder, "work")
        for name in RUN_FOLDERS:
            os.mkdir(os.path.join(self.folder, name))
        os.environ.setdefault("MPLBACKEND", "Agg")
        # The module finds its bundle where the contract says, not in this zip.
        sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry) != place]
        names = self.manifest.bundle
        if names or self.profile.bundle_folder_always:
            files = [(name, read(place, name)) for name in names]
            bundle_folder.add_to_path(bundle_folder.write(self.home, files))
        if self.profile.run_object and not _has_azureml():
            run_object.install(os.path.join(self.folder, "uploads"))
        self._job = JobHeader(
            read(place, self.manifest.source_file).decode("utf-8"), MODULE_FILE, self._options
        )
        progress = Progress()
        try:
            self._function = script.load(self._job, self.profile, self.folder, progress)
        except BaseException as error:
            raise Failed(self._cloud_text(error, progress)) from error

    def call(self, datasets: Mapping[str, pd.DataFrame]) -> List[Optional[pd.DataFrame]]:
        """Return the frames of the two output ports.

        Raises
        ------
        InputError
            When a frame cannot be delivered under the profile.
        Failed
            When the module raises, or its return value is refused.
        """
        given: Dict[str, Any] = {}
        for port, frame in datasets.items():
            copy = frame.copy(deep=False)
            prepared, _ = prepare_input(copy, port, self.profile)
            given[port] = _own_text(prepared) if self._options.text == "object" else prepared
        progress = Progress()
        try:
            os.chdir(self.home)
            outputs, _ = call(self._function, self.profile, given, progress)
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            raise Failed(self._cloud_text(error, progress)) from error
        return outputs

    def images(self) -> List[str]:
        """Return the paths of the PNG files that the module saved."""
        folder = self.home if self.profile.images_from_folder else f"{self.folder}/uploads"
        names = sorted(os.listdir(folder), key=str.lower)
        return [os.path.join(folder, name) for name in names if _is_png(folder, name)]

    def close(self) -> None:
        """Delete the module's working folder."""
        os.chdir(tempfile.gettempdir())
        self._own.close()

    def _cloud_text(self, error: BaseException, progress: Progress) -> str:
        if isinstance(error, ReturnRefused):
            refused = failure_details("", error.message, [], progress.stage, None, self.profile)
            return error_text(error.number, refused, self.profile)
        failure = report.failure(error, progress, MODULE_FILE, self.folder)
        entries = [SimpleNamespace(**entry) for entry in failure["entries"]]
        lines = [entry.line for entry in entries if entry.mine and entry.function == "azureml_main"]
        details = failure_details(
            failure["kind"],
            failure["message"],
            entries,
            failure["stage"],
            lines[0] if lines else None,
            self.profile,
        )
        return error_text(RAISED, details, self.profile)


def _own_text(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with text as Python strings and ``None`` (rule 2.17)."""
    columns = {}
    for position, name in enumerate(frame.columns):
        series = frame.iloc[:, position]
        if series.dtype == object or pd.api.types.is_string_dtype(series.dtype):
            values = [
                None if gone else value for value, gone in zip(series.astype(object), series.isna())
            ]
            series = pd.Series(values, index=frame.index, dtype=object)
        columns[name] = series
    return pd.DataFrame(columns, index=frame.index, columns=frame.columns)


def _is_png(folder: str, name: str) -> bool:
    path = os.path.join(folder, name)
    if not os.path.isfile(path):
        return False
    with open(path, "rb") as file:
        return file.read(8) == b"\x89PNG\r\n\x1a\n"


def _has_azureml() -> bool:
    try:
        return importlib.util.find_spec("azureml.core") is not None
    except ModuleNotFoundError:
        return False
