"""How long a trivial module takes, and what a person would otherwise do."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

import azml_magic
from benchmarks.measure import Sample, milliseconds, rounds
from benchmarks.tables import Table

BODY = "return pd.DataFrame({'a': [1]}),"
SOURCE = f"import pandas as pd\ndef azureml_main(a=None, b=None):\n    {BODY}\n"
IMPORTS = "import numpy, pandas, pyarrow, matplotlib.pyplot\n"
PAUSE = 0.1


def trivial(a: Any = None, b: Any = None) -> tuple[pd.DataFrame]:
    return (pd.DataFrame({"a": [1]}),)


def table(quick: bool) -> Iterator[Table]:
    yield _from_python(quick)
    yield _in_kernel(quick)


def _from_python(quick: bool) -> Table:
    count, seconds = (10, 20.0) if quick else (60, 30.0)
    azml_magic.run(SOURCE)
    time.sleep(0.5)

    def paused(action: Callable[[], object]) -> Callable[[], float]:
        def measure() -> float:
            time.sleep(PAUSE)
            return milliseconds(action)

        return measure

    ours = rounds(
        {
            "in-process call": paused(trivial),
            "azml_magic.run": paused(lambda: azml_magic.run(SOURCE)),
        },
        count,
        seconds,
    )
    azml_magic.run(SOURCE)
    ours["azml_magic.run, back to back"] = Sample(
        tuple(milliseconds(lambda: azml_magic.run(SOURCE)) for _ in range(count))
    )
    command = [sys.executable, "-c", IMPORTS + SOURCE + "azureml_main()"]
    peers: dict[str, Callable[[], object]] = {
        "subprocess python, same imports": lambda: subprocess.run(command, check=True),
        "multiprocessing spawn pool": _spawn_pool,
    }
    with _loky(peers), _papermill(peers):
        timed = {name: (lambda act=action: milliseconds(act)) for name, action in peers.items()}
        ours.update(rounds(timed, 3 if quick else 7, seconds / 2))
    made = Table("A trivial module, milliseconds", ("way", "time", "95 %", "times ours"))
    base = ours["azml_magic.run"].median
    for name, sample in ours.items():
        digits = 3 if sample.median < 1 else 1
        made.rows.append(
            (
                name,
                sample.text(digits),
                f"{sample.quantile(0.95):.{digits}f}",
                f"{sample.median / base:.1f}",
            )
        )
        made.bars.append((name, sample.median))
    made.bars_unit = "milliseconds for a trivial module"
    made.notes.append(f"With a pause of {PAUSE:g} s before each, but for those back to back.")
    return made


def _spawn_pool() -> None:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        pool.apply(trivial)


@contextmanager
def _loky(peers: dict[str, Callable[[], object]]) -> Iterator[None]:
    try:
        import loky
    except ImportError:
        yield
        return
    executor = loky.get_reusable_executor(max_workers=1, timeout=60)
    executor.submit(trivial).result()

    def fresh() -> None:
        other = loky.ProcessPoolExecutor(max_workers=1)
        other.submit(trivial).result()
        other.shutdown()

    peers["loky, a fresh worker"] = fresh
    peers["loky, a used worker (no isolation)"] = lambda: executor.submit(trivial).result()
    yield
    executor.shutdown()


@contextmanager
def _papermill(peers: dict[str, Callable[[], object]]) -> Iterator[None]:
    try:
        import nbformat
        import papermill
    except ImportError:
        yield
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cell.ipynb"
        code = nbformat.v4.new_code_cell(SOURCE + "azureml_main()")
        kernel = {"name": "python3", "display_name": "python3", "language": "python"}
        notebook = nbformat.v4.new_notebook(cells=[code], metadata={"kernelspec": kernel})
        nbformat.write(notebook, path)
        out = str(Path(folder) / "out.ipynb")
        peers["papermill, one cell"] = lambda: papermill.execute_notebook(
            str(path), out, progress_bar=False
        )
        yield


class Kernel:
    """A real kernel, and how long it takes to execute a cell."""

    def __init__(self) -> None:
        from jupyter_client.manager import start_new_kernel

        self.manager, self.client = start_new_kernel(kernel_name="python3")

    def run(self, cell: str) -> float:
        started = time.perf_counter()
        reply = self.client.execute_interactive(
            cell, timeout=60, output_hook=lambda message: None, store_history=True
        )
        took = time.perf_counter() - started
        if reply["content"]["status"] != "ok":
            raise RuntimeError("\n".join(reply["content"].get("traceback", [])))
        return 1e3 * took

    def close(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


def _in_kernel(quick: bool) -> Table:
    count = 10 if quick else 60
    magic = f"%%azureml_module\n{SOURCE}"
    plain = f"{SOURCE}azureml_main()[0]"
    kernel = Kernel()
    try:
        kernel.run("import pandas as pd")
        loading = kernel.run("%load_ext azml_magic")
        time.sleep(4)
        first = kernel.run(magic)

        def paused(cell: str) -> Callable[[], float]:
            def measure() -> float:
                time.sleep(PAUSE)
                return kernel.run(cell)

            return measure

        found = rounds({"plain cell": paused(plain), "module cell": paused(magic)}, count, 60)
        turns = tuple(kernel.run(magic) for _ in range(20 if quick else 60))
        found["module cell, back to back"] = Sample(turns)
        script = f"%%script {sys.executable}\n{IMPORTS}{SOURCE}azureml_main()"
        found["%%script python, same imports"] = Sample(
            tuple(kernel.run(script) for _ in range(2 if quick else 5))
        )
    finally:
        kernel.close()
    made = Table("In a real kernel, milliseconds", ("cell", "time", "95 %", "above the plain cell"))
    base = found["plain cell"].median
    for name, sample in found.items():
        made.rows.append(
            (
                name,
                sample.text(),
                f"{sample.quantile(0.95):.1f}",
                f"{sample.median - base:.1f}",
            )
        )
    made.rows.append(("first module cell after loading and 4 s", f"{first:.1f}", "", ""))
    made.rows.append(("%load_ext azml_magic", f"{loading:.1f}", "", ""))
    made.notes.append("From the request to the reply, with checks and display.")
    return made
