"""One zip, its seven uses, each run by the tool that owns it, compared with the cell's result.

    python tests/export/conformance.py [--environments FOLDER] [--old-python PYTHON3.8]

makes the environments that are not there yet (azure-ai-ml, MLflow and the inference server
are large), runs the uses and prints one line for each. It is no part of the quick tests.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1]))

import azml_magic
from azml_magic.deployment import export, serve
from azml_magic.module.bundle import Bundle
from export import sample

ENVIRONMENTS = {
    "plain": ["pandas"],
    "azureai": ["azure-ai-ml", "pandas", "pyarrow"],
    "infserver": ["azureml-inference-server-http", "pandas", "pyarrow"],
    "mlflow": ["mlflow", "pandas", "pyarrow"],
}
OLD = ["pandas==1.5.3", "numpy<1.25", "pyarrow<15"]
LOAD_COMPONENT = """\
import json, socket, sys

def refuse(*arguments, **options):
    raise OSError("a network access")

socket.socket.connect = refuse
socket.getaddrinfo = refuse
from azure.ai.ml import Input, dsl, load_component, load_environment

component = load_component(sys.argv[1] + "/component.yaml")
assert component._validate().passed, component._validate()

@dsl.pipeline()
def twice(data):
    first = component(dataset1=data)
    second = component(dataset1=data)
    return {"output": second.outputs.output1}

pipeline = twice(data=Input(type="uri_file", path=sys.argv[1] + "/ranker.py"))
for node in pipeline.jobs.values():
    node.compute = "cpu"
result = pipeline._validate()
assert result.passed, result
print(json.dumps({"command": component.command, "inputs": list(component.inputs)}))
"""
LOAD_MODEL = """\
import sys

import mlflow.pyfunc
import pandas as pd

model = mlflow.pyfunc.load_model(sys.argv[1])
model.predict(pd.read_parquet(sys.argv[2])).to_parquet(sys.argv[3])
"""
CALL_BUNDLE = """\
import os, sys

import pandas as pd

sys.path.append(sys.argv[1])
from ranker import azureml_main

azureml_main(pd.read_csv(sys.argv[2]))[0].to_csv(sys.argv[3], index=False)
"""


class Uses:
    """The seven uses of one zip.

    Parameters
    ----------
    folder : Path
        Where everything is written.
    environments : Path
        Where the tools' environments are.
    old_python : str
        An older interpreter for the zipapp; empty for none.
    """

    def __init__(self, folder: Path, environments: Path, old_python: str) -> None:
        self.folder = folder
        self.environments = environments
        self.old_python = old_python
        self.frame = sample.frame()
        bundle = sample.bundle_folder(folder / "bundle")
        self.zip = folder / "ranker.zip"
        export(sample.SOURCE, self.zip, self.frame, bundle=bundle, name=sample.NAME)
        own = Bundle("bundle", tuple(sorted(sample.BUNDLE.items())))
        self.cell = azml_magic.run(sample.SOURCE, self.frame, bundle=own)
        self.frame.to_csv(folder / "in.csv", index=False)
        # CSV cannot tell an empty text from a missing one.
        by_csv = pd.read_csv(folder / "in.csv")
        self.cell_by_csv = azml_magic.run(sample.SOURCE, by_csv, bundle=own)
        self.unpacked = folder / "unpacked"
        with zipfile.ZipFile(self.zip) as archive:
            archive.extractall(self.unpacked)
        self.frame.to_parquet(folder / "in.parquet")

    def python(self, name: str) -> str:
        """Return the interpreter of an environment, made when it is not there."""
        place = self.environments / name
        if not place.exists():
            first = self.old_python if name == "old" else sys.executable
            # not ours: pip and venv
            subprocess.run([first, "-m", "venv", place], check=True)
            packages = OLD if name == "old" else ENVIRONMENTS[name]
            command = [str(place / "bin" / "pip"), "install", "-q", *packages]
            # not ours: pip and venv
            subprocess.run(command, check=True)
        return str(place / "bin" / "python")

    def same(self, found: pd.DataFrame) -> str:
        """Compare a frame with the cell's."""
        expected = self.cell.output1
        assert expected is not None
        pd.testing.assert_frame_equal(found.reset_index(drop=True), expected)
        return f"{len(found)} rows x {len(found.columns)} columns equal to the cell's"

    def same_csv(self, path: Path) -> None:
        """Compare a CSV file with the cell's result for the CSV input, as CSV."""
        expected = self.cell_by_csv.output1
        assert expected is not None
        expected.to_csv(self.folder / "expected.csv", index=False)
        assert path.read_text() == (self.folder / "expected.csv").read_text()

    def script_bundle(self) -> str:
        """The classic third port: the zip as bundle, one line in the script box."""
        box = (self.unpacked / "script_box.txt").read_text()
        result = azml_magic.run(box, self.frame, bundle=self.zip)
        assert result.output1 is not None
        told = self.same(result.output1)
        out = self.folder / "bundle.csv"
        _run([self.python("plain"), "-c", CALL_BUNDLE, self.unpacked, self.folder / "in.csv", out])
        self.same_csv(out)
        return told

    def zipapp(self) -> str:
        """``python ranker.zip`` with pandas alone, and with an older Python and pandas."""
        told = []
        for name in ("plain", "old") if self.old_python else ("plain",):
            out = self.folder / f"zipapp-{name}.csv"
            command = [self.python(name), "-I", self.zip, "--dataset1", self.folder / "in.csv"]
            _run([*command, "--output", out])
            self.same_csv(out)
            told.append(_versions(self.python(name)))
        return f"equal to the cell's by CSV with {'; '.join(told)}"

    def component(self) -> str:
        """The command component: loaded and validated offline, its command run."""
        python = self.python("azureai")
        found = json.loads(_run([python, "-c", LOAD_COMPONENT, self.unpacked]).splitlines()[-1])
        out = self.folder / "component"
        command = found["command"]
        values = {
            "${{inputs.dataset1}}": str(self.folder / "in.parquet"),
            "${{outputs.output1}}": str(out),
            "${{outputs.figures}}": str(self.folder / "figures"),
        }
        for name, value in values.items():
            command = command.replace(name, value)
        _run([python, *command.split()[1:]], cwd=self.unpacked)
        return f"validated offline; {self.same(pd.read_parquet(out / 'data.parquet'))}"

    def endpoint(self) -> str:
        """The scoring script under azureml-inference-server-http."""
        python = Path(self.python("infserver"))
        port = _free_port()
        command = [python.parent / "azmlinfsrv", "--entry_script", "score.py", "--port", str(port)]
        with _server(command, self.unpacked, f"http://127.0.0.1:{port}/"):
            status, answer = _post(f"http://127.0.0.1:{port}/score", self.request())
            wrong, fault = _post(f"http://127.0.0.1:{port}/score", {"Inputs": {}})
        assert status == 200, answer
        assert wrong == 400
        assert fault["error"]["code"] == "BadUserArgument"
        return f"{self.same(_typed(answer, self.cell.output1))}; a bad request gets 400"

    def mlflow(self) -> str:
        """The pyfunc: loaded in Python, and served by ``mlflow models serve``."""
        python = Path(self.python("mlflow"))
        out = self.folder / "mlflow.parquet"
        _run([python, "-c", LOAD_MODEL, self.unpacked, self.folder / "in.parquet", out])
        told = self.same(pd.read_parquet(out))
        port = _free_port()
        command = [python.parent / "mlflow", "models", "serve", "-m", ".", "-p", str(port)]
        command += ["--env-manager", "local"]
        body = {"dataframe_split": json.loads(self.frame.to_json(orient="split", index=False))}
        paths = {"PATH": f"{python.parent}:{os.environ['PATH']}"}
        with _server(command, self.unpacked, f"http://127.0.0.1:{port}/ping", paths):
            status, answer = _post(f"http://127.0.0.1:{port}/invocations", body)
        assert status == 200, answer
        assert len(answer["predictions"]) == len(self.frame)
        return f"loaded: {told}; served: {len(answer['predictions'])} predictions"

    def own_server(self) -> str:
        """Our own server."""
        with serve(self.zip) as service:
            status, answer = _post(service.score_url, self.request())
        assert status == 200, answer
        return self.same(_typed(answer, self.cell.output1))

    def taken_back(self) -> str:
        """``azml_magic.run`` and the command line."""
        result = azml_magic.run(self.zip, self.frame)
        assert result.output1 is not None
        told = self.same(result.output1)
        assert (result.stdout, result.log) == (self.cell.stdout, self.cell.log)
        out = self.folder / "cli.parquet"
        command = [Path(sys.executable).parent / "azml-magic", "run", self.zip, "--quiet"]
        _run([*command, "--dataset1", self.folder / "in.parquet", "--output", out])
        self.same(pd.read_parquet(out))
        return f"{told}, and the same log"

    def request(self) -> dict[str, object]:
        """Return the frame as a request."""
        return {"Inputs": {"input1": json.loads(self.frame.to_json(orient="records"))}}

    def two_exports(self) -> str:
        """The same module twice: the same bytes."""
        again = self.folder / "again.zip"
        bundle = self.folder / "bundle"
        export(sample.SOURCE, again, self.frame, bundle=bundle, name=sample.NAME)
        assert again.read_bytes() == self.zip.read_bytes()
        return f"{len(again.read_bytes()):,} identical bytes"


def _typed(answer: dict[str, object], like: pd.DataFrame | None) -> pd.DataFrame:
    assert like is not None
    rows = answer["Results"]["output1"]  # type: ignore[index]
    return pd.DataFrame(rows).astype(like.dtypes.to_dict())


def _run(command: list[object], cwd: Path | None = None) -> str:
    words = [str(word) for word in command]
    # not ours: old and foreign packages, which warn as they like
    done = subprocess.run(words, cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def _versions(python: str) -> str:
    code = (
        "import sys, pandas; print('Python', sys.version.split()[0], 'pandas', pandas.__version__)"
    )
    return _run([python, "-W", "ignore", "-c", code]).strip()


def _post(url: str, value: object) -> tuple[int, Any]:
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(value).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


@contextlib.contextmanager
def _server(
    command: list[object], cwd: Path, ping: str, environment: dict[str, str] | None = None
) -> Iterator[None]:
    words = [str(word) for word in command]
    # not ours: servers of other packages, which log
    process = subprocess.Popen(
        words,
        cwd=cwd,
        env={**os.environ, **(environment or {})},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + 90
        while True:
            with contextlib.suppress(OSError), urllib.request.urlopen(ping, timeout=2):
                break
            assert process.poll() is None, f"{words[0]} ended"
            assert time.monotonic() < deadline, f"{words[0]} does not answer"
            time.sleep(0.3)
        yield
    finally:
        os.killpg(process.pid, 15)
        process.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def main() -> int:
    parser = argparse.ArgumentParser(description="Run the seven uses of a module zip.")
    parser.add_argument("--environments", type=Path, help="where environments are kept")
    parser.add_argument("--old-python", default="", help="a Python 3.8 for the zipapp")
    options = parser.parse_args()
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        environments = options.environments or Path(folder) / "environments"
        uses = Uses(Path(folder), environments.resolve(), options.old_python)
        actions: list[Callable[[], str]] = [
            uses.script_bundle,
            uses.zipapp,
            uses.component,
            uses.endpoint,
            uses.mlflow,
            uses.own_server,
            uses.taken_back,
            uses.two_exports,
        ]
        for number, action in enumerate(actions, 1):
            try:
                told = action()
            except AssertionError as error:
                told = f"FAILED: {error}"
                failed += 1
            print(f"{number} {action.__name__}: {told}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
