"""One module with a bundle, and a frame with every type that JSON and Parquet carry."""

from pathlib import Path

import pandas as pd

NAME = "ranker"
SOURCE = """\
import numpy as np

import scaling


def azureml_main(frame):
    frame["scaled"] = scaling.double(frame["amount"])
    frame["rank"] = np.argsort(np.argsort(frame["amount"].to_numpy()))
    frame["label"] = frame["name"] + "!"
    frame["large"] = frame["amount"] > 2
    print("ranked", len(frame))
    return frame,
"""
BUNDLE = {
    "scaling.py": b"from pathlib import Path\n\n"
    b"FACTOR = int((Path(__file__).parent / 'data' / 'factor.txt').read_text())\n\n\n"
    b"def double(values):\n    return values * FACTOR\n",
    "data/factor.txt": b"2\n",
}


def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "amount": [1.5, 2.25, float("nan"), 4.0],
            "count": [3, 2, 1, 0],
            "name": ["a", "Ünï", None, ""],
            "seen": [True, False, True, True],
        }
    )


def bundle_folder(folder: Path) -> Path:
    for name, content in BUNDLE.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder
