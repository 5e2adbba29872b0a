"""What the README shows works as it stands there."""

import re
from pathlib import Path

import nbformat
import pytest
from support import programs

from azml_magic.notebook.options import build_parser

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def test_the_cells_run_one_after_the_other(tmp_path):
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_code_cell(block.rstrip()) for block in BLOCKS]
    programs.execute(
        notebook, kernel_name="python3", timeout=300, resources={"metadata": {"path": tmp_path}}
    )
    module = next(cell for cell in notebook.cells if cell.source.startswith("%%azureml_module"))
    shown = [output.data for output in module.outputs if "data" in output]
    assert any("8 rows x 2 columns" in data["text/plain"] for data in shown)
    assert [data["text/plain"] for data in shown if "image/png" in data] == ["importance.png"]


def test_every_option_is_in_the_table():
    table = README.split("## Options")[1].split("\n## ")[0]
    for action in build_parser()._actions:
        assert any(f"`{option}" in table for option in action.option_strings), action.option_strings


def test_the_defaults_in_the_table_are_those_of_the_magic():
    from azml_magic.notebook.magics import AzmlMagics

    table = README.split("## Options")[1].split("\n## ")[0]
    rows = [[cell.strip(" `") for cell in row.split(" | ")] for row in table.splitlines()]
    defaults = {row[0].rpartition("--")[2]: row[1] for row in rows if len(row) == 3}
    for name in ("profile", "timeout", "memory", "rows", "dates", "text"):
        default = AzmlMagics.class_traits()[name].default_value
        assert defaults[name] == (f"{default:g}" if name in {"timeout", "rows"} else default)


@pytest.mark.parametrize(
    "target", sorted({*re.findall(r'(?:\]\(|src(?:set)?=")([^)"#:]+)', README)})
)
def test_a_link_leads_to_a_file(target):
    assert (ROOT / target).exists()
