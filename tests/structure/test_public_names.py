"""What the package offers: the same names to a person, to a type checker and to ``import *``."""

import ast
import sys
from pathlib import Path

from support import programs

import azml_magic


def test_what_is_offered_loaded_and_typed_agrees():
    tree = ast.parse(Path(azml_magic.__file__).read_text(encoding="utf-8"))
    typed = {
        (alias.name, statement.module.partition(".")[2])
        for block in tree.body
        if isinstance(block, ast.If)
        for statement in block.body
        if isinstance(statement, ast.ImportFrom)
        for alias in statement.names
    }
    assert typed == set(azml_magic._PLACES.items())
    assert sorted(azml_magic._PLACES) == azml_magic.__all__


def test_every_name_is_there_and_nothing_else_is_offered():
    for name in azml_magic.__all__:
        assert getattr(azml_magic, name).__name__ == name
    assert set(dir(azml_magic)) == {
        "__version__",
        *azml_magic.__all__,
    }


def test_the_command_line_says_its_version():
    done = programs.run([sys.executable, "-m", "azml_magic", "--version"])
    assert done.stdout == f"azml-magic {azml_magic.__version__}\n"


def test_a_file_can_be_named_without_its_room():
    names = [
        file.name
        for file in Path(azml_magic.__file__).parent.rglob("*.py")
        if not file.name.startswith("__")
    ]
    assert sorted(names) == sorted(set(names))
