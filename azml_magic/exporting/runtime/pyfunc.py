"""The module as an MLflow model: one frame in, one frame out."""

from __future__ import annotations

from typing import Any

import mlflow.pyfunc
import pandas as pd

from azml_magic.exporting.runtime.loaded import Loaded
from azml_magic.exporting.runtime.zip_files import root


class ModuleModel(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
    """Calls ``azureml_main`` under its contract."""

    def load_context(self, context: Any) -> None:
        """Load the module."""
        self._loaded = Loaded(root())

    def predict(self, context: Any, model_input: Any, params: Any = None) -> pd.DataFrame:
        """Return the first output frame for an input frame."""
        (port,) = self._loaded.manifest.ports
        output = self._loaded.call({port: pd.DataFrame(model_input)})[0]
        return pd.DataFrame() if output is None else output
