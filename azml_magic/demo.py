"""The example of ``azml-magic demo``: feature ranking on the Pima Indian diabetes data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from azml_magic.errors import ModuleError

if TYPE_CHECKING:
    import pandas as pd

SOURCE = """\
import matplotlib
matplotlib.use("agg")
import matplotlib.pyplot as plt
import pandas as pd
from sklearn.ensemble import ExtraTreesClassifier

try:
    from pandas.plotting import scatter_matrix
except ImportError:  # pandas before 0.20, as in the cloud
    from pandas.tools.plotting import scatter_matrix


def azureml_main(patients=None):
    features = patients.drop("test", axis=1)
    print("{} patients, {} features".format(*features.shape))

    model = ExtraTreesClassifier(n_estimators=250, random_state=0)
    model.fit(features, patients["test"])
    ranking = pd.DataFrame(
        {"feature": features.columns, "importance": model.feature_importances_}
    )
    ranking = ranking.sort_values("importance", ascending=False).reset_index(drop=True)

    figure, axes = plt.subplots(figsize=(6, 3.2))
    axes.barh(ranking["feature"][::-1], ranking["importance"][::-1])
    axes.set_xlabel("importance")
    figure.savefig("importance.png", bbox_inches="tight")

    colors = patients["test"].map({0: "tab:blue", 1: "tab:orange"})
    scatter_matrix(patients[ranking["feature"][:3]], figsize=(6, 6), c=colors, alpha=0.5)
    plt.suptitle("Blue: no diabetes, orange: diabetes", y=0.93)
    plt.savefig("scatter.png", bbox_inches="tight")
    return ranking,
"""


def patients() -> pd.DataFrame:
    """Return the 768 patients of the Pima Indian diabetes data from the package faraway.

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
