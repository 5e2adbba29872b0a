"""Test files can be run alone and in any order: none needs what another has imported.

Each folder of tests is a package below ``tests/``, which ``tests/conftest.py`` puts on the path.
So a helper has one name, ``room.helper``, however pytest or a type checker came to it. The files of
``tests/hostile`` are also run elsewhere, without their folder, and import each other by bare names.
"""

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
BARE = "hostile"
FILES = sorted(TESTS.rglob("*.py"))
PACKAGES = {file.parent.name for file in TESTS.glob("*/__init__.py")}
STEMS = {file.stem for file in FILES if file.parent != TESTS}


def holds(folder, name):
    """Whether an import, of a folder's file, is of this name alone and of no test."""
    top, *rest = name.split(".")
    if top in PACKAGES:
        file = TESTS / top / f"{rest[0]}.py"
        return file.is_file() and not rest[0].startswith(("test_", "conftest"))
    if top in STEMS:
        return folder == BARE and (TESTS / BARE / f"{top}.py").is_file()
    return top != BARE


def strange(folder, source):
    """Return the imports of tests' own files that hold only in some orders or folders."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        found += [name for name in names if not holds(folder, name)]
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(TESTS)))
def test_imports_hold_in_any_order(file):
    assert strange(file.parent.name, file.read_text(encoding="utf-8")) == []


def test_folders_are_packages():
    folders = {file.parent.name for file in FILES if file.parent != TESTS}
    assert folders - PACKAGES == {BARE}


def test_one_name_is_one_file():
    bare = [file.stem for file in (TESTS / BARE).glob("*.py")]
    assert not set(bare) & {*PACKAGES, "conftest"}


def test_a_strange_import_is_found():
    assert strange("browser", "from conftest import FLAGS") == ["conftest.FLAGS"]
    assert strange("browser", "from browser.conftest import x") == ["browser.conftest.x"]
    assert strange("checks", "from cases import BOTH\nimport served") == ["cases.BOTH", "served"]
    assert strange("serving", "from serving.test_life import x") == ["serving.test_life.x"]
    assert strange("runs", "from hostile import fuzz\nimport canary") == ["hostile.fuzz", "canary"]
    assert strange("hostile", "import canary\nfrom support.wires import LIMIT") == []
    assert strange("checks", "from checks.cases import BOTH\nimport json") == []
