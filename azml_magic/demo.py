"""The example of ``azml-magic demo``: feature ranking on the Pima Indian diabetes data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from azml_magic.errors import ModuleError

if TYPE_CHECKING:
    import pandas as pd

SOURCE = '''\
import matplotlib
matplotlib.use("agg")
import matplotlib.pyplot as plt
import pandas as pd
from sklearn.ensemble import ExtraTreesClassifier


def azureml_main(patients=None):
    features = patients.drop(columns="test")
    model = ExtraTreesClassifier(n_estimators=250, random_state=0)
    model.fit(features, patients["test"])
    ranking = pd.DataFrame(
        {"feature": features.columns, "importance": model.feature_importances_}
    ).sort_values("importance", ascending=False)

    print(f"{len(patients)} patients, {features.shape[1]} features")

    figure, axes = plt.subplots(figsize=(6, 3.2), layout="constrained")
    axes.barh(ranking["feature"][::-1], ranking["importance"][::-1])
    axes.set_xlabel("importance")
    figure.savefig("importance.png")

    best = list(ranking["feature"][:3])
    pd.plotting.scatter_matrix(patients[best], figsize=(6, 6), c=patients["test"], alpha=0.5)
    plt.savefig("scatter.png")
    return ranking,
'''


def patients() -> pd.DataFrame:
    """Return the 768 patients of the Pima Indian diabetes data, from the package faraway.

    Raises
    ------
    ModuleError
        When the packages of the extra ``demo`` are not installed.
    """
    try:
        import sklearn  # noqa: F401
        from faraway.datasets import pima
    except ImportError as error:
        raise ModuleError(
            f"the demo needs the package {error.name}", "pip install 'azml_magic[demo]'"
        ) from error
    frame: pd.DataFrame = pima.load()
    return frame
