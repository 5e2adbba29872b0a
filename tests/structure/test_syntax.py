"""What a worker or a module zip loads is written for Python 3.8 too.

That it parses is the least: ``tests/export/conformance.py`` runs the program of a zip there.
"""

import ast
from pathlib import Path

import pytest

import azml_magic
from azml_magic.exporting import vendor

PACKAGE = Path(azml_magic.__file__).parent
ROOMS = ("languages", "protocol", "sandbox", "wire", "worker")
FILES = sorted(
    {
        *(file for room in ROOMS for file in (PACKAGE / room).rglob("*.py")),
        *(
            PACKAGE / Path(name).relative_to(vendor.RUNTIME)
            for name, content in vendor.runtime_files().items()
            if content
        ),
    }
)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_it_parses_as_python_3_8(file):
    ast.parse(file.read_text(encoding="utf-8"), feature_version=(3, 8))
