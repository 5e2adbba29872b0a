"""Rooms import only the rooms above them, so that data flows one way.

The table of rooms stands in docs/architecture.md, and is read from there.
"""

import ast
import graphlib
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from support import programs

from azml_magic.sandbox import standalone

PACKAGE = Path(__file__).resolve().parents[2] / "azml_magic"
ARCHITECTURE = PACKAGE.parent / "docs" / "architecture.md"
FILES = sorted(PACKAGE.rglob("*.py"))
HEADER = "| room | one job | rooms | packages |"


@dataclass(frozen=True)
class Room:
    """A row of the table."""

    name: str
    rooms: frozenset[str]
    packages: frozenset[str]


def read_rooms(text):
    """Return the rows of the table, from top to bottom, by name."""
    _, _, table = text.partition(HEADER)
    found = {}
    for line in table.splitlines()[2:]:
        if not line.startswith("|"):
            break
        name, _, rooms, packages = (cell.strip() for cell in line.strip("|").split("|"))
        name = name.strip("`").removesuffix("/").removesuffix(".py")
        assert name not in found, f"{name} stands twice"
        found[name] = Room(name, _words(rooms), _words(packages))
    return found


def _words(cell):
    return frozenset(re.split(r",\s*", cell)) if cell else frozenset()


ROOMS = read_rooms(ARCHITECTURE.read_text(encoding="utf-8"))


def room_of(name):
    """Return the room of a file or module, by its dotted name below the package."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        if "/".join(parts[:length]) in ROOMS:
            return "/".join(parts[:length])
    return parts[0]


def dotted(file):
    """Return a file's dotted name below the package."""
    return ".".join(file.relative_to(PACKAGE).with_suffix("").parts)


def imported_names(tree):
    """Yield each name that is imported anywhere in a tree, with its module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def at_run_time(tree):
    """Return a tree without what stands there for type checkers."""

    class Strip(ast.NodeTransformer):
        def visit_If(self, node):
            if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
                return [self.visit(child) for child in node.orelse] or ast.Pass()
            return self.generic_visit(node)

    return Strip().visit(tree)


def forbidden(room, source):
    """Return the imports of a file that its room may not have."""
    allowed = ROOMS[room]
    own = {
        room_of(name.removeprefix("azml_magic."))
        for name in imported_names(ast.parse(source))
        if name.startswith("azml_magic.")
    }
    packages = {name.split(".")[0] for name in imported_names(at_run_time(ast.parse(source)))}
    packages -= {"azml_magic", *sys.stdlib_module_names}
    return (own - allowed.rooms - {room, "__version__"}) | (packages - allowed.packages)


def test_a_row_names_only_rooms_above_it():
    above = set()
    for room in ROOMS.values():
        assert room.rooms <= above, f"{room.name}: {sorted(room.rooms - above)}"
        above.add(room.name)


def test_every_file_has_a_room_and_every_room_a_file():
    assert {room_of(dotted(file)) for file in FILES} == set(ROOMS)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_imports_only_what_its_row_names(file):
    assert forbidden(room_of(dotted(file)), file.read_text(encoding="utf-8")) == set()


def test_what_a_row_names_is_used():
    used = {name: set() for name in ROOMS}
    for file in FILES:
        room = room_of(dotted(file))
        for name in imported_names(ast.parse(file.read_text(encoding="utf-8"))):
            package, _, rest = name.partition(".")
            used[room].add(room_of(rest) if package == "azml_magic" and rest else package)
    unused = {
        room.name: sorted((room.rooms | room.packages) - used[room.name])
        for room in ROOMS.values()
        if (room.rooms | room.packages) - used[room.name]
    }
    assert unused == {}


def test_a_forbidden_import_is_found():
    assert forbidden("contract", "from azml_magic.runner import session") == {"runner"}
    assert forbidden("worker", "def f():\n    import IPython") == {"IPython"}
    assert forbidden("monitor", "import pandas") == {"pandas"}
    assert forbidden("monitor", "from azml_magic.contract import names") == {"contract"}
    assert forbidden("exporting", "from azml_magic.worker import run") == {"worker"}
    own = "from azml_magic.languages.python import script"
    assert forbidden("exporting/runtime", own) == set()
    assert forbidden("exporting", own) == {"languages"}
    typing_only = "if TYPE_CHECKING:\n    import pandas\nelse:\n    import pyarrow"
    assert forbidden("result", typing_only) == {"pyarrow"}
    assert forbidden("contract", "import pandas\nfrom azml_magic.errors import AzmlError") == set()


def test_no_files_import_each_other():
    names = {f"azml_magic.{dotted(file)}" for file in FILES if file.name != "__init__.py"}
    graph = {
        name: {
            found
            for imported in imported_names(ast.parse(_file(name).read_text(encoding="utf-8")))
            for found in (imported, imported.rpartition(".")[0])
            if found in names and found != name
        }
        for name in names
    }
    graphlib.TopologicalSorter(graph).prepare()  # raises, and names the circle, when there is one


def _file(name):
    return PACKAGE.parent.joinpath(*name.split(".")).with_suffix(".py")


# Doing it: an interpreter that has no packages loads the rooms that may have none.
LOAD = """
import importlib, sys, types
package = types.ModuleType("azml_magic")
package.__path__ = [sys.argv[1]]
sys.modules["azml_magic"] = package
for name in sys.argv[2:]:
    importlib.import_module("azml_magic." + name)
"""


def test_rooms_without_packages_load_without_any():
    bare = [name for name, room in ROOMS.items() if not room.packages]
    # These load the other rooms when they are called.
    bare = [name for name in bare if name not in {"cli", "__main__", "__init__"}]
    assert {"monitor", "sandbox", "errors", "module", "checks"} <= set(bare)
    files = [dotted(file) for file in FILES if room_of(dotted(file)) in bare]
    command = [sys.executable, "-I", "-S", "-c", LOAD, str(standalone.PACKAGE), *files]
    programs.run(command)
