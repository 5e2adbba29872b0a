"""The committed notebooks run from a clean kernel, and fail only where they mean to."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))


def errors(notebook):
    return {
        cell["id"]: output["ename"]
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if output["output_type"] == "error"
    }


def intended(notebook):
    return {
        cell["id"]
        for cell in notebook.cells
        if "raises-exception" in cell.metadata.get("tags", [])
    }


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_the_notebook_runs_and_fails_only_where_it_says(path):
    notebook = nbformat.read(path, as_version=4)
    committed = errors(notebook)
    assert set(committed) == intended(notebook)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": path.parent}}).execute()
    assert errors(notebook) == committed


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_every_cell_is_committed_with_its_output(path):
    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in code)
    modules = [cell for cell in code if cell.source.startswith("%%azureml_module")]
    assert modules
    assert all(cell.outputs for cell in modules)
