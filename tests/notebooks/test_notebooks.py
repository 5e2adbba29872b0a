"""The committed notebooks run from a clean kernel, and fail only where they mean to."""

import copy
import functools
import re
from pathlib import Path

import nbformat
import pytest
from support import programs

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))
QUICKSTART = Path(__file__).resolve().parents[2] / "notebooks" / "quickstart.ipynb"


def errors(notebook):
    return {
        cell["id"]: output["ename"]
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if output["output_type"] == "error"
    }


def intended(notebook):
    return {
        cell["id"] for cell in notebook.cells if "raises-exception" in cell.metadata.get("tags", [])
    }


@functools.cache
def run(path):
    """Return a notebook as it is committed, and as it is after a run in a clean kernel."""
    committed = nbformat.read(path, as_version=4)
    fresh = copy.deepcopy(committed)
    programs.execute(fresh, timeout=300, resources={"metadata": {"path": path.parent}})
    return committed, fresh


def results(notebook):
    """Return what the results of each cell say of outputs and figures: not how long they took."""
    return {
        cell["id"]: re.findall(r"^OK  module ran in \S+ s, (.+), sandbox", shown, re.MULTILINE)
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "module ran in" in (shown := output.get("data", {}).get("text/plain", ""))
    }


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_the_notebook_runs_and_fails_only_where_it_says(path):
    committed, fresh = run(path)
    assert set(errors(committed)) == intended(committed)
    assert errors(fresh) == errors(committed)


def test_the_quickstart_shows_what_it_gives():
    committed, fresh = run(QUICKSTART)
    assert results(fresh) == results(committed)
    assert len(results(fresh)) >= 9


def test_the_quickstart_names_no_place_of_the_machine_it_was_run_on():
    assert not re.search(r"/(tmp|home|root|work)/", QUICKSTART.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_every_cell_is_committed_with_its_output(path):
    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in code)
    modules = [cell for cell in code if cell.source.startswith("%%azureml_module")]
    assert modules
    assert all(cell.outputs for cell in modules)
