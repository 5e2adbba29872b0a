"""Growth with size, loading, memory, many runs, and the price of being inside."""

from __future__ import annotations

import functools
import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import azml_magic
from azml_magic.display.mime import result_mimebundle
from azml_magic.monitor import shared_monitors
from azml_magic.result import Result
from benchmarks import frames
from benchmarks.latency import SOURCE
from benchmarks.measure import Sample, milliseconds, prime, rounds
from benchmarks.tables import Table

ECHO = "def azureml_main(frame):\n    return frame,\n"
CHANGED = "def azureml_main(frame):\n    return frame * 2,\n"


def growth(quick: bool) -> list[Table]:
    """Fit time = a + b * rows over five or six powers of ten."""
    most = 6 if quick else 7
    made = Table(
        "Growth with size: rows x 10 float64, in and out", ("rows", "ms", "MB/s both ways")
    )
    sizes, times = [], []
    for power in range(2, most + 1):
        frame = frames.make("A", 10**power / 1e7)
        azml_magic.run(ECHO, frame, memory="12GB")
        samples = []
        for _ in range(3 if power == 7 else 7):
            prime(3 * frames.payload(frame))
            echo = functools.partial(azml_magic.run, ECHO, frame, memory="12GB")
            samples.append(milliseconds(echo))
        sample = Sample(tuple(samples))
        rate = 2 * frames.payload(frame) / 1e6 / (sample.median / 1e3)
        made.rows.append((f"{10**power:,}", sample.text(), f"{rate:,.0f}"))
        sizes.append(10**power)
        times.append(sample.median)
    slope, start = np.polyfit(sizes, times, 1, w=1 / np.array(times))
    made.notes.append(f"Fitted: {start:.1f} ms + {slope * 1e6:.1f} ms for each million rows.")
    return [made]


def loading(quick: bool) -> list[Table]:
    """Import and load, each in a fresh interpreter."""
    programs = {
        "python alone": "pass",
        "import azml_magic": "import azml_magic",
        "import IPython": "import IPython.core.interactiveshell",
        "%load_ext in a plain shell": (
            "import time\nfrom IPython.core.interactiveshell import InteractiveShell\n"
            "shell = InteractiveShell.instance()\nstarted = time.perf_counter()\n"
            "shell.run_line_magic('load_ext', 'azml_magic')\n"
            "print(time.perf_counter() - started)"
        ),
        "import pandas": "import pandas",
    }

    def run(program: str) -> float:
        started = time.perf_counter()
        command = [sys.executable, "-c", program]
        printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        took = time.perf_counter() - started
        return 1e3 * (float(printed) if printed.strip() else took)

    timed = {name: (lambda text=text: run(text)) for name, text in programs.items()}
    found = rounds(timed, 4 if quick else 15, 60)
    base = found["python alone"].median
    made = Table("Loading, milliseconds", ("what", "time", "above python"))
    for name, sample in found.items():
        above = "" if name.startswith("%") else f"{sample.median - base:.1f}"
        made.rows.append((name, sample.text(), above))
    return [made]


def memory(quick: bool) -> list[Table]:
    """Peak of this process and all below it while A goes in and a changed copy comes out."""
    frame = frames.make("A", 0.1 if quick else 1.0)
    size = frames.payload(frame)
    azml_magic.run(ECHO, frames.make("D"), memory="12GB")
    time.sleep(0.5)
    made = Table("Peak memory above the notebook's own frame", ("module", "frames"))
    for name, source in (("returns its input", ECHO), ("returns a changed copy", CHANGED)):
        time.sleep(0.5)
        with _Peak() as peak:
            azml_magic.run(source, frame, memory="12GB")
        made.rows.append((name, f"{peak.above / size:.2f}"))
    made.notes.append("Private memory of notebook, monitor, fork server and worker together.")
    return [made]


class _Peak:
    """Samples the memory of this process and its descendants every few milliseconds."""

    def __enter__(self) -> _Peak:
        self._over = threading.Event()
        self._start = _tree_memory()
        self._most = self._start
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()
        self.above = self._most - self._start

    def _watch(self) -> None:
        while not self._over.wait(0.003):
            self._most = max(self._most, _tree_memory())


def _tree_memory() -> int:
    return sum(map(_anonymous, _tree()))


def _tree() -> list[int]:
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except OSError:
                continue
            parents[int(entry.name)] = int(stat.rpartition(")")[2].split()[1])
    found = [os.getpid()]
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found


def _anonymous(pid: int) -> int:
    """Return private memory; what a forked process shares with others counts in parts."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return 1024 * sum(int(line.split()[1]) for line in lines if line.startswith("Pss_Anon"))


def endurance(quick: bool) -> list[Table]:
    """Many runs: what grows."""
    count = 100 if quick else 1000
    for _ in range(20):
        azml_magic.run(SOURCE)
    time.sleep(0.5)
    before, started = _held(), time.perf_counter()
    times = [milliseconds(lambda: azml_magic.run(SOURCE)) for _ in range(count)]
    took = time.perf_counter() - started
    time.sleep(0.5)
    after = _held()
    made = Table(f"{count:,} runs in {took:.0f} s", ("what", "before", "after"))
    for name in before:
        made.rows.append((name, f"{before[name]:,.1f}", f"{after[name]:,.1f}"))
    tenth = count // 10
    first, last = Sample(tuple(times[:tenth])), Sample(tuple(times[-tenth:]))
    made.rows.append(
        ("median of a tenth of the runs, ms", f"{first.median:.1f}", f"{last.median:.1f}")
    )
    return [made]


def _held() -> dict[str, float]:
    tree = _tree()
    descriptors = sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in tree)
    return {
        "processes": len(tree),
        "descriptors": descriptors,
        "memory of all, MB": _tree_memory() / 1e6,
        "peak of this process, MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3,
    }


def display(quick: bool) -> list[Table]:
    """Show a result of few rows and of many."""
    made = Table("Showing a result, milliseconds", ("frame", "time"))
    for name, scale in (("A", 0.001), ("A", 0.1 if quick else 1.0), ("B", 0.002), ("B", 0.2)):
        frame = frames.make(name, scale)
        result = Result(output1=frame)
        show = functools.partial(result_mimebundle, result, rows=10)
        samples = [milliseconds(show) for _ in range(15)]
        rows = len(frame)
        made.rows.append((f"{name}, {rows:,} rows", Sample(tuple(samples)).text(2)))
    return [made]


INSIDE = {
    "groupby of 2M rows": """
def work():
    import numpy as np, pandas as pd
    draw = np.random.default_rng(0)
    frame = pd.DataFrame({"k": draw.integers(0, 1000, 2_000_000), "v": draw.random(2_000_000)})
    for _ in range(8):
        frame.groupby("k").v.agg(["mean", "std"])
""",
    "product of matrices": """
def work():
    import numpy as np
    a = np.random.default_rng(0).random((1500, 1500))
    for _ in range(10):
        a = a @ a
        a /= a.max()
""",
    "random forest": """
def work():
    import numpy as np
    from sklearn.ensemble import RandomForestClassifier
    draw = np.random.default_rng(0)
    X = draw.random((4000, 20))
    RandomForestClassifier(40, random_state=0).fit(X, (X[:, 0] > X[:, 1]).astype(int))
""",
}
_TIMED = """
import time
def azureml_main(a=None, b=None):
    import pandas as pd
    work()
    started = time.perf_counter()
    work()
    return pd.DataFrame({"seconds": [time.perf_counter() - started]}),
"""


def inside(quick: bool) -> list[Table]:
    """The same work inside a run and in a process of its own, without its imports."""
    made = Table("Work inside a run and outside, seconds", ("work", "outside", "inside", "ratio"))

    def outside(source: str) -> float:
        program = source + _TIMED + "\nprint(azureml_main()[0].seconds[0])"
        command = [sys.executable, "-c", program]
        return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    def within(source: str) -> float:
        output = azml_magic.run(source + _TIMED).output1
        assert output is not None
        return float(output.seconds[0])

    for name, source in INSIDE.items():
        try:
            things: dict[str, Callable[[], float]] = {
                "outside": functools.partial(outside, source),
                "inside": functools.partial(within, source),
            }
            found = rounds(things, 2 if quick else 9, 12 if quick else 60)
        except (azml_magic.RunError, subprocess.CalledProcessError) as error:
            made.notes.append(f"{name}: {error}")
            continue
        out, into = found["outside"], found["inside"]
        made.rows.append(
            (
                name,
                out.text(2),
                into.text(2),
                f"{into.median / out.median:.2f} (least {into.least / out.least:.2f})",
            )
        )
    return [made]


def shut_down() -> None:
    shared_monitors.shut_down()
