"""docs/findings.md names every code with its level, and its examples are found."""

import ast
import re
from pathlib import Path

import pytest
from support import documents

from azml_magic.checks import check
from azml_magic.contract.changes import KINDS
from azml_magic.contract.profile import get_profile
from azml_magic.findings import CODES, READING
from azml_magic.module.module import Module
from azml_magic.result import LEVELS
from checks.cases import BOTH

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "findings.md").read_text()
# What no line of a module shows stands there in other words.
EXAMPLES = {
    code.code: code.example[1:-1]
    for code in CODES.values()
    if code.example.startswith("`") and code.example.endswith("`")
}


def test_the_page_says_what_the_list_says():
    """``python tests/support/documents.py`` writes its tables anew."""
    assert documents.findings_page(PAGE) == PAGE


def test_every_kind_is_described():
    for code in CODES.values():
        assert re.fullmatch(r"AZ[1-7]\d\d", code.code)
        assert code.level in LEVELS
        assert code.meaning
        assert bool(code.example) == (code.seen_by == READING), code.code


def test_findings_are_made_in_one_place():
    """What a finding means is then known to the list, and to no file alone."""
    makers = [
        file.name
        for file in sorted((ROOT / "azml_magic").rglob("*.py"))
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "Finding"
    ]
    assert makers == ["findings.py"]


def test_every_kind_is_used_and_every_code_is_known():
    sources = [
        file.read_text(encoding="utf-8")
        for file in (ROOT / "azml_magic").rglob("*.py")
        if file.name != "findings.py"
    ]
    named = {code for text in sources for code in re.findall(r"\bAZ\d{3}\b", text)}
    changes = {f"AZ{side}{kind.number:02d}" for kind in KINDS for side in (2, 3)}
    assert named <= set(CODES)
    assert set(CODES) == named | changes


@pytest.mark.parametrize("code", EXAMPLES)
def test_an_example_is_found(code):
    example = EXAMPLES[code]
    body = f"def azureml_main(frame):\n    {example}\n    return frame,\n"
    variants = [body, f"import pandas as pd\n{body}"]
    variants.append(f"{example}\n\ndef azureml_main(frame):\n    return frame,\n")
    if "match" in example:
        variants.append(body.replace(": case", ":\n        case"))
    if example.startswith(("def ", "async def ")):
        variants = [example]
    known = {"rate": "Cell In[3]"}
    found = {
        finding.code
        for source in variants
        for name in BOTH
        for finding in check(
            Module.from_source(source),
            get_profile(name),
            known_names=known,
            connected=["dataset1", "dataset2"],
        )
    }
    assert code in found
