"""What a run can import is asked of its interpreter, and not of the notebook's import path."""

import json
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from support import programs

import azml_magic
from azml_magic.protocol.interpreter import Interpreter

ASK = """
import importlib.util, json, sys
def found(name):
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return False
    return spec is not None and spec.origin is not None
print(json.dumps({name: found(name) for name in sys.argv[1:]}))
"""
NAMES = ["pandas", "sklearn", "json", "_socket", "no_such_module", "azml_magic", "pip", "pytest"]


def test_it_says_what_an_isolated_interpreter_finds():
    command = [sys.executable, "-I", "-c", ASK, *NAMES]
    found = json.loads(programs.run(command).stdout)
    assert {name: Interpreter.here().can_import(name) for name in NAMES} == found
    assert found["pandas"]
    assert not found["no_such_module"]


def test_a_module_of_the_notebooks_folder_is_not_there(tmp_path, monkeypatch):
    (tmp_path / "beside_the_notebook.py").write_text("x = 1\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend("")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert not Interpreter.here().can_import("beside_the_notebook")


def test_versions_are_those_that_are_installed():
    here = Interpreter.here()
    assert here.version_of("pandas") == metadata.version("pandas")
    assert here.version_of("no-such-distribution") == ""
    assert here.distributions()["sklearn"] == "scikit-learn"
    assert here.version[:2] == sys.version_info[:2]


@pytest.mark.parametrize("as_zip", [True, False])
def test_the_bundle_of_a_module_that_lies_beside_the_notebook_hides_nothing(
    tmp_path, monkeypatch, as_zip
):
    """Everybody makes helpers.zip of a module that lies in the notebook's folder."""
    (tmp_path / "mytools.py").write_text("def twice(x):\n    return 2 * x\n")
    bundle = tmp_path / "helpers.zip"
    with zipfile.ZipFile(bundle, "w") as archive:
        archive.write(tmp_path / "mytools.py", "mytools.py")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend("")
    source = "import mytools\ndef azureml_main():\n    print(mytools.__file__, mytools.twice(2))\n"
    result = azml_magic.run(source, bundle="helpers.zip" if as_zip else ".")
    assert "Script Bundle" in result.stdout
    assert [one.code for one in result.findings if one.code == "AZ286"] == []


def test_a_module_that_an_installed_package_hides_is_still_found(tmp_path):
    bundle = tmp_path / "b.zip"
    with zipfile.ZipFile(bundle, "w") as archive:
        archive.writestr("pytest.py", "")
        archive.writestr("json.py", "")
    found = azml_magic.check("def azureml_main(): return None\n", bundle)
    assert len([one for one in found if one.code == "AZ286"]) == 2


def test_nothing_else_asks_what_can_be_imported():
    words = ("stdlib_module_names", "packages_distributions", "PathFinder", "metadata.version")
    asking = [
        file.name
        for file in Path(azml_magic.__file__).parent.rglob("*.py")
        if any(word in file.read_text(encoding="utf-8") for word in words)
    ]
    assert asking == ["interpreter.py"]
