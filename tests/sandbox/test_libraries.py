"""Libraries that modules use keep working in the sandbox."""

import contextlib
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from azml_magic.sandbox import locks

SCRIPTS = {
    "site-packages": "import pandas; pandas.DataFrame({'a': [1]}).to_csv('a.csv'); print('fine')",
    "figure": """
import matplotlib
matplotlib.use("Agg")
import matplotlib.pyplot as plt
plt.plot([1, 2]); plt.title("fine"); plt.savefig("a.png"); plt.savefig("a.pdf"); print("fine")
""",
    "parquet": """
import pandas as pd
pd.DataFrame({"a": ["x", None]}).to_parquet("a.parquet")
print("fine" if pd.read_parquet("a.parquet").shape == (2, 1) else "no")
""",
    "linear algebra": """
import numpy as np
a = np.random.default_rng(0).normal(size=(600, 600))
print("fine" if np.allclose(np.linalg.inv(a) @ a, np.eye(600), atol=1e-6) else "no")
""",
    "trees by threads": """
import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.cluster import KMeans
x = np.random.default_rng(0).normal(size=(500, 3)); y = x[:, 0]
RandomForestRegressor(20, n_jobs=2).fit(x, y)
HistGradientBoostingRegressor(max_iter=5).fit(x, y)
KMeans(3, n_init=2).fit(x)
print("fine")
""",
    "processes": """
import subprocess, sys, asyncio
subprocess.run([sys.executable, "-c", "pass"], check=True)
with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as process:
    process.terminate()
async def main():
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", "print(1)", stdout=-1)
    return await process.communicate()
print("fine" if asyncio.run(main())[0] == b"1\\n" else "no")
""",
}


@pytest.mark.parametrize("sandbox", ["this user"], indirect=True)
@pytest.mark.parametrize("name", SCRIPTS)
def test_libraries_work(sandbox, name, monkeypatch):
    if name == "trees by threads":
        pytest.importorskip("sklearn")
    for variable in ("MPLCONFIGDIR", "JOBLIB_TEMP_FOLDER"):
        monkeypatch.setenv(variable, str(sandbox.folder))
    warnings.simplefilter("ignore")

    def work():
        locks.install()
        with open("printed", "w") as file, contextlib.redirect_stdout(file):
            sys.stderr = file
            exec(SCRIPTS[name], {"__name__": "__main__"})
        return Path("printed").read_text().strip()

    outcome = sandbox.run(work)
    assert outcome.error == "", outcome.text
    assert outcome.value == "fine"


@pytest.mark.parametrize("sandbox", ["this user"], indirect=True)
def test_a_new_interpreter_works(sandbox):
    command = [sys.executable, "-c", "import json, decimal; print(6 * 7)"]
    # in a run: a plain interpreter
    outcome = sandbox.run(lambda: subprocess.run(command, capture_output=True).stdout.decode())
    assert outcome.value == "42\n", outcome.text
