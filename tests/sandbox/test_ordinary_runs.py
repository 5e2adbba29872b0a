"""What ordinary modules do works in a real run; where it cannot, the error names it."""

import pytest

import azml_magic
from azml_magic.errors import ModuleFailed

DATA = """
import numpy as np, pandas as pd
rng = np.random.default_rng(0)
x = pd.DataFrame(rng.normal(size=(300, 4)), columns=list("abcd"))
y = x["a"] * 2 + x["b"] + rng.normal(size=300)
"""
PROGRAMS = {
    "forest of two jobs": DATA + """
from sklearn.ensemble import RandomForestRegressor
RandomForestRegressor(20, n_jobs=2, random_state=0).fit(x, y).score(x, y) > 0.5 and done()
""",
    "grid search of two jobs": DATA + """
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
GridSearchCV(Ridge(), {"alpha": [0.1, 1.0]}, n_jobs=2, cv=3).fit(x, y).best_score_ > 0 and done()
""",
    "OpenMP": DATA + """
from sklearn.cluster import KMeans
from sklearn.ensemble import HistGradientBoostingRegressor
KMeans(3, n_init=2, random_state=0).fit(x)
HistGradientBoostingRegressor(max_iter=5).fit(x, y)
done()
""",
    "linear algebra of many threads": """
import numpy as np
a = np.random.default_rng(0).normal(size=(500, 500))
np.allclose(np.linalg.inv(a) @ a, np.eye(500), atol=1e-6) and done()
""",
    "joblib": """
import joblib, os
squares = joblib.Parallel(n_jobs=2)(joblib.delayed(pow)(n, 2) for n in range(9))
threads = joblib.Parallel(n_jobs=2, prefer="threads")(joblib.delayed(pow)(n, 2) for n in range(9))
memory = joblib.Memory("cache", verbose=0).cache(pow)
joblib.dump([1], "x.joblib")
(squares == threads and memory(2, 3) == 8 and joblib.load("x.joblib") == [1]) and done()
""",
    "processes by a fork": """
import multiprocessing
with multiprocessing.Pool(2) as pool:
    squares = pool.map(abs, range(-5, 5))
queue = multiprocessing.Queue()
process = multiprocessing.Process(target=queue.put, args=(1,))
process.start()
queue.get(timeout=60)
process.join()
child = multiprocessing.Process(target=print)
child.start()
child.terminate()
child.join()
squares[0] == 5 and done()
""",
    "shared memory": """
import numpy as np
from multiprocessing import Process, shared_memory, Array, Value
memory = shared_memory.SharedMemory(create=True, size=800)
array = np.ndarray(100, buffer=memory.buf)
array[:] = 0
value, many = Value("i", 0), Array("d", 10)
def work():
    array[:] = 7
    value.value = 1
    many[0] = 2.5
process = Process(target=work)
process.start()
process.join()
total = float(array.sum())
del array
memory.close()
memory.unlink()
(total, value.value, many[0]) == (700.0, 1, 2.5) and done()
""",
    "executors": """
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
with ThreadPoolExecutor(4) as threads, ProcessPoolExecutor(2) as processes:
    list(threads.map(abs, range(9))) == list(processes.map(abs, range(9))) and done()
""",
    "a new interpreter": """
import subprocess, sys
code = "import json, pandas; print(json.dumps(len(pandas.DataFrame({'a': [1]}))))"
made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
made.stdout == "1\\n" and done()
""",
    "an event loop with a process": """
import asyncio, sys
async def main():
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", "print(1)", stdout=-1)
    return (await process.communicate())[0] + await asyncio.to_thread(bytes, 1)
asyncio.run(main()) == b"1\\n\\0" and done()
""",
    "files of data": """
import pandas as pd, sqlite3
frame = pd.DataFrame({"a": [1, 2], "b": ["x", None], "c": pd.to_datetime(["2020-01-01", None])})
frame.to_csv("a.csv", index=False)
frame.to_parquet("a.parquet")
frame.to_feather("a.feather")
frame.to_pickle("a.pkl")
frame.to_json("a.json")
with sqlite3.connect("a.db") as base:
    base.execute("pragma journal_mode=wal")
    frame[["a"]].to_sql("t", base, index=False)
    rows = pd.read_sql("select sum(a) as s from t", base)["s"][0]
base.close()
len(pd.read_csv("a.csv")) == len(pd.read_parquet("a.parquet")) == 2 and rows == 3 and done()
""",
    "temporary files": """
import tempfile, os, shutil, zipfile
with tempfile.NamedTemporaryFile("w+") as file, tempfile.TemporaryDirectory() as folder:
    file.write("x")
    shutil.copy2(file.name, folder)
    shutil.make_archive("a", "zip", folder)
zipfile.ZipFile("a.zip").testzip() is None and done()
""",
    "a figure with fonts, formulas and a style file": """
import matplotlib.pyplot as plt
open("my.mplstyle", "w").write("axes.titlesize: 20\\nfont.family: serif\\n")
with plt.style.context(["ggplot", "./my.mplstyle"]):
    figure, axes = plt.subplots()
    axes.plot([1, 2, 3], label=r"$\\alpha^2 + \\frac{1}{2}$")
    axes.set_title(r"$\\sum_i x_i$ ")
    axes.legend()
    for kind in ("png", "svg", "pdf"):
        figure.savefig("a." + kind)
plt.close("all")
done()
""",
    "seaborn": DATA + """
import seaborn as sns
sns.set_theme()
sns.pairplot(x.assign(y=y).iloc[:, :3]).savefig("pairs.png")
done()
""",
    "statsmodels": DATA + """
import statsmodels.api as sm, statsmodels.formula.api as smf
fit = smf.ols("y ~ a + b", x.assign(y=y)).fit()
"R-squared" in str(fit.summary()) and sm.GLM(y, x).fit().converged and done()
""",
    "time zones and locale": """
import datetime, locale, time, zoneinfo
import pandas as pd
locale.setlocale(locale.LC_ALL, "C.UTF-8")
stamp = pd.Timestamp("2024-07-01", tz="Europe/Zurich")
stamp.utcoffset() == datetime.timedelta(hours=2) and time.tzname and done()
""",
    "logging and warnings": """
import logging, sys, warnings
logging.basicConfig(level=logging.INFO, stream=sys.stdout)
logging.getLogger("module").info("logged")
handler = logging.FileHandler("run.log")
logging.getLogger().addHandler(handler)
logging.warning("kept")
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    warnings.warn("told")
len(caught) == 1 and "kept" in open("run.log").read() and done()
""",
    "signals and timers": """
import signal, time, os
got = []
signal.signal(signal.SIGALRM, lambda *_: got.append(1))
signal.setitimer(signal.ITIMER_REAL, 0.01)
time.sleep(0.05)
os.kill(os.getpid(), signal.SIGALRM)
len(got) == 2 and done()
""",
    "a map of a file": """
import numpy as np
array = np.memmap("a.bin", dtype="f8", mode="w+", shape=(1000,))
array[:] = 1
array.flush()
np.memmap("a.bin", dtype="f8", mode="r").sum() == 1000 and done()
""",
    "questions about the machine": """
import os, platform, resource
used = resource.getrusage(resource.RUSAGE_SELF).ru_utime
(os.cpu_count() >= 1 and platform.platform() and used >= 0) and done()
""",
}  # fmt: skip
NEEDED = {"seaborn": "seaborn", "statsmodels": "statsmodels", "forest of two jobs": "sklearn"}
MODULE = """
def done():
    print("ALL IS WELL")

def azureml_main():
    global done
    exec(compile({source!r}, "program", "exec"), {{"done": done, "__name__": "__main__"}})
"""


@pytest.mark.parametrize("name", PROGRAMS)
def test_ordinary_code_works(name):
    if name in NEEDED:
        pytest.importorskip(NEEDED[name])
    result = azml_magic.run(MODULE.format(source=PROGRAMS[name]), timeout=120)
    assert "ALL IS WELL" in result.stdout, result.log


REFUSED = {
    "a socket": ("import socket; socket.create_connection(('127.0.0.1', 9))", "no network"),
    "a file outside": ("open('/etc/passwd')", "working directory"),
    "another process": ("import os; os.kill(1, 9)", "working directory"),
    "a program": ("import subprocess; subprocess.run(['/bin/ls'])", ""),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_is_refused_by_name(name):
    source, hint = REFUSED[name]
    with pytest.raises(ModuleFailed) as refused:
        azml_magic.run(f"def azureml_main():\n    {source}")
    assert hint in refused.value.hint
    assert refused.value.message
