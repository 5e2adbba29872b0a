"""What the README shows works as it stands there."""

import re
from pathlib import Path

import nbformat
import pytest
from support import programs

from azml_magic.notebook.magic_options import build_parser
from azml_magic.protocol.options import Options
from azml_magic.protocol.settings import described

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


def test_an_option_of_a_run_is_in_the_table_as_it_is_described():
    table = README.split("## Options")[1].split("\n## ")[0].splitlines()
    for name, about in described(Options).items():
        short = [f"`-{about.letter}`"] if about.letter else []
        flags = ", ".join([*short, f"`--{name.replace('_', '-')}`"])
        shown = about.shown if about.shown.isdigit() else f"`{about.shown}`"
        assert f"| {flags} | {shown if about.shown else ''} | {about.help} |".replace("|  |", "| |") in table


@pytest.mark.parametrize(
    "target", sorted({*re.findall(r'(?:\]\(|src(?:set)?=")([^)"#:]+)', README)})
)
def test_a_link_leads_to_a_file(target):
    assert (ROOT / target).exists()
