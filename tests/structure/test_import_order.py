"""Rooms import only the rooms above them, so that data flows one way."""

import ast
import graphlib
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "azml_magic"

# Each room with the rooms of the package that it may import; the house of docs/architecture.md.
MAY_IMPORT = {
    "controls": set(),
    "errors": {"controls", "result"},
    "result": set(),
    "sentences": {"result"},
    "temporary": {"errors"},
    "contract": {"errors", "result", "sentences"},
    "module": {"errors", "result", "contract"},
    "checks": {"errors", "result", "contract", "module"},
    "sandbox": {"temporary"},
    "worker": {"errors", "result", "sentences", "contract", "sandbox"},
    "runner": {
        "controls",
        "errors",
        "result",
        "sentences",
        "contract",
        "module",
        "checks",
        "sandbox",
        "worker",
        "temporary",
    },
    "tables": {"errors"},
    "scoring": {"module"},
    "exporting": {
        "errors",
        "result",
        "contract",
        "module",
        "checks",
        "scoring",
        "tables",
        "worker",
        "temporary",
    },
    "serving": {
        "errors",
        "result",
        "contract",
        "module",
        "runner",
        "sandbox",
        "scoring",
        "exporting",
        "tables",
        "temporary",
    },
    "display": {"controls", "errors", "result"},
    "api": {"errors", "result", "contract", "module", "checks", "sandbox", "runner"},
    "deployment": {
        "errors",
        "result",
        "contract",
        "module",
        "exporting",
        "scoring",
        "serving",
        "api",
        "temporary",
    },
    "demo": {"errors"},
    "first_process": set(),
    "real_run": {"errors", "api"},
    "notebook": {
        "controls",
        "errors",
        "result",
        "module",
        "exporting",
        "serving",
        "api",
        "deployment",
        "display",
        "real_run",
    },
    "cli": {
        "controls",
        "errors",
        "result",
        "module",
        "api",
        "display",
        "tables",
        "demo",
        "first_process",
        "real_run",
        "cli_check",
        "cli_deployment",
    },
    "cli_check": {"module", "api", "display"},
    "cli_deployment": {
        "controls",
        "exporting",
        "errors",
        "result",
        "module",
        "serving",
        "api",
        "deployment",
        "display",
        "tables",
        "temporary",
    },
    "__init__": {"errors", "result", "module", "serving", "api", "deployment", "notebook"},
}
# Inside the runner, what runs in the monitor process takes the standard library only.
MONITOR_FILES = {"monitor.py", "enforcement.py", "launch.py", "caches.py"}
# Rooms that must not know these packages, wherever in a file they are imported.
FOREIGN = {
    "errors": {"numpy", "pandas", "pyarrow", "matplotlib", "IPython"},
    "sandbox": {"numpy", "pandas", "pyarrow", "matplotlib", "IPython"},
    "contract": {"pyarrow", "matplotlib", "IPython"},
    "module": {"numpy", "pandas", "pyarrow", "matplotlib", "IPython"},
    "checks": {"numpy", "pandas", "pyarrow", "matplotlib", "IPython"},
    "worker": {"IPython", "traitlets", "ipywidgets"},
    "runner": {"IPython", "traitlets", "ipywidgets", "pyarrow", "matplotlib", "pickle"},
    "display": {"IPython", "traitlets", "ipywidgets", "pyarrow", "matplotlib"},
    "api": {"IPython", "traitlets", "ipywidgets", "pyarrow", "matplotlib", "pickle"},
    "cli": {"IPython", "traitlets", "ipywidgets"},
}
FILES = sorted(PACKAGE.rglob("*.py"))
# For typing only: a report names the type of what it reports of, which offers it as a method.
MUTUAL = {("azml_magic.sandbox.doctor", "azml_magic.sandbox.probe")}


def room_of(file: Path) -> str:
    first = file.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def imported_names(source: str) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def forbidden(room: str, source: str, file_name: str = "") -> set[str]:
    """Return the imports of a file that its room may not have."""
    names = imported_names(source)
    own = {name.split(".")[1] for name in names if name.startswith("azml_magic.")}
    packages = {name.split(".")[0] for name in names}
    wrong = own - MAY_IMPORT[room] - {room}
    wrong |= packages & FOREIGN.get(room, set())
    if room == "runner" and file_name in MONITOR_FILES:
        wrong |= (own - {"runner", "sandbox", "temporary"}) | (packages & {"numpy", "pandas"})
    return wrong


def test_every_room_is_known():
    assert {room_of(file) for file in FILES} == set(MAY_IMPORT)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_imports_only_what_stands_above(file):
    assert forbidden(room_of(file), file.read_text(), file.name) == set()


def test_a_forbidden_import_is_found():
    assert forbidden("contract", "from azml_magic.runner import client") == {"runner"}
    assert forbidden("worker", "def f():\n    import IPython") == {"IPython"}
    assert forbidden("runner", "import pandas", "monitor.py") == {"pandas"}
    assert forbidden("contract", "import pandas\nfrom azml_magic.errors import AzmlError") == set()


def test_no_files_import_each_other():
    names = {_name(file): file for file in FILES}
    graph = {
        name: {
            found
            for imported in imported_names(file.read_text())
            for found in (imported, imported.rpartition(".")[0])
            if found in names and found != name and (name, found) not in MUTUAL
        }
        for name, file in names.items()
        if file.name != "__init__.py"
    }
    graphlib.TopologicalSorter(graph).prepare()  # raises, and names the circle, when there is one


def _name(file):
    return ".".join(file.relative_to(PACKAGE.parent).with_suffix("").parts)
