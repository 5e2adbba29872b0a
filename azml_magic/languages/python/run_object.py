"""A substitute for ``azureml.core.Run``, to which designer scripts upload images.

Rule W3: the designer shows no files of the run folder; a script passes images to
``Run.get_context().upload_file(name, path)``.
"""

from __future__ import annotations

import os
import shutil
import sys
import types
from typing import Any, ClassVar, Dict, List


class Run:
    """The part of ``azureml.core.Run`` that module scripts use.

    Uploaded PNG files are collected for the result; logged metrics are printed.
    """

    _uploads: ClassVar[List[Dict[str, str]]] = []
    _folder = ""

    id = "azml_magic"

    @classmethod
    def get_context(cls, allow_offline: bool = True, **kwargs: Any) -> Run:
        """Return the run that this script is part of."""
        return cls()

    def upload_file(self, name: str, path_or_stream: Any, **kwargs: Any) -> None:
        """Keep a copy of a file under `name`."""
        stored = f"{len(self._uploads) + 1:04d}"
        destination = os.path.join(self._folder, stored)
        if hasattr(path_or_stream, "read"):
            with open(destination, "wb") as file:
                shutil.copyfileobj(path_or_stream, file)
        else:
            shutil.copyfile(os.fspath(path_or_stream), destination)
        self._uploads.append({"file": stored, "name": str(name)})

    def upload_folder(self, name: str, path: str, **kwargs: Any) -> None:
        """Keep a copy of each file below `path`."""
        for parent, _, files in sorted(os.walk(path)):
            for file in sorted(files):
                full = os.path.join(parent, file)
                self.upload_file(f"{name}/{os.path.relpath(full, path)}", full)

    def log_image(self, name: str, path: Any = None, plot: Any = None, **kwargs: Any) -> None:
        """Keep an image file, or draw a pyplot figure and keep it."""
        if plot is not None:
            path = os.path.join(self._folder, "plot.tmp")
            plot.savefig(path, format="png")
        self.upload_file(name if name.lower().endswith(".png") else f"{name}.png", path)

    def log(self, name: str, value: Any, **kwargs: Any) -> None:
        """Print a metric to the log."""
        print(f"{name}: {value}")


def install(folder: str) -> List[Dict[str, str]]:
    """Make ``from azureml.core import Run`` work; return the list that uploads are added to.

    Parameters
    ----------
    folder : str
        Folder to store uploaded files in.
    """
    Run._folder = folder
    package: Any = types.ModuleType("azureml")
    core: Any = types.ModuleType("azureml.core")
    submodule: Any = types.ModuleType("azureml.core.run")
    package.__path__ = []
    core.__path__ = []
    package.core = core
    core.Run = submodule.Run = Run
    core.run = submodule
    sys.modules.update({"azureml": package, "azureml.core": core, "azureml.core.run": submodule})
    return Run._uploads
