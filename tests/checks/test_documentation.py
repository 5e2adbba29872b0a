"""docs/findings.md names every code with its level, and its examples are found."""

import re
from pathlib import Path

import pytest
from cases import BOTH

from azml_magic.checks import check, describe_codes
from azml_magic.contract.changes import KINDS
from azml_magic.contract.profile import get_profile
from azml_magic.module import bundle
from azml_magic.module.module import Module

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "findings.md").read_text()
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in PAGE.splitlines()
    if line.startswith("| AZ")
]
EXAMPLES = {
    row[0].strip(): row[4].rstrip(" |")[1:-1]
    for row in ROWS
    if len(row) == 5 and row[4].startswith("`") and row[4].rstrip(" |").endswith("`")
}
# What no line of a module shows: the size of a script, and what lies in a bundle.
WITHOUT_EXAMPLE = {"AZ503", "AZ286"} | {code for code, *_ in bundle.CODES}


def levels():
    return {code: row[1] for row in ROWS for code in row[0].strip().split(", ")}


def test_every_code_of_reading_is_there_with_its_level():
    assert {code: levels().get(code) for code, *_ in describe_codes()} == {
        code: level for code, level, _ in describe_codes()
    }


def test_every_change_of_a_frame_is_there_with_its_level():
    expected = {f"AZ{side}{kind.number:02d}": kind.level for kind in KINDS for side in (2, 3)}
    assert {code: levels().get(code) for code in expected} == expected


def test_every_code_of_the_package_is_there_and_no_other():
    sources = (path.read_text() for path in (ROOT / "azml_magic").rglob("*.py"))
    named = {code for text in sources for code in re.findall(r'"(AZ\d{3})"', text)}
    assert named - set(levels()) == set()
    frames = {f"AZ{side}{kind.number:02d}" for kind in KINDS for side in (2, 3)}
    assert set(levels()) - named - frames == set()


def test_every_code_of_reading_has_an_example():
    assert set(EXAMPLES) == {code for code, *_ in describe_codes()} - WITHOUT_EXAMPLE


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
