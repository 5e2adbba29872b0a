"""Every rule of docs/contract.md is named by a test, or said not to be."""

import ast
import re
from pathlib import Path

from azml_magic.contract.changes import KINDS
from azml_magic.findings import CODES

ROOT = Path(__file__).resolve().parents[2]
PROFILES = ("classic", "designer")
RULE = re.compile(r"[A-Z]\d+[a-z]?")


def tables(text):
    """Yield the header and the rows of each table of a Markdown text."""
    header, rows = None, []
    for line in [*text.splitlines(), ""]:
        if not line.startswith("|"):
            if header:
                yield header, rows
            header, rows = None, []
            continue
        # A bar inside code has a backslash before it.
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if header is None:
            header = cells
        elif not set(line) <= set("|-: "):
            rows.append(cells)


def listed_rules(text):
    """Return the rules, and those said not to be tested, as pairs of id and profile."""
    rules, excused = set(), set()
    for header, rows in tables(text):
        if (
            header == ["Id", "Case", *PROFILES]
            or header == ["Id", "Returned", *PROFILES]
            or (header == ["Id", "Column", *PROFILES])
        ):
            for identifier, _, *cells in rows:
                assert RULE.fullmatch(identifier), identifier
                pairs = zip(PROFILES, cells, strict=True)
                rules |= {(identifier, profile) for profile, cell in pairs if cell != "-"}
        elif header[:2] == ["Id", "Profile"]:
            excused |= {
                (identifier, profile)
                for identifier, which, reason in rows
                for profile in profiles_of(which)
                if reason
            }
    return rules, excused


def profiles_of(name):
    return PROFILES if name == "both" else (name,)


def named_rules(source):
    """Return the pairs of id and profile that calls of ``rule`` in a test file name."""
    named = set()
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        function = node.func
        name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
        if name != "rule":
            continue
        which = next(
            (ast.literal_eval(k.value) for k in node.keywords if k.arg == "profile"), "both"
        )
        for argument in node.args:
            named |= {(ast.literal_eval(argument), profile) for profile in profiles_of(which)}
    return named


def all_named():
    files = sorted((ROOT / "tests").rglob("test_*.py"))
    return set().union(*(named_rules(file.read_text()) for file in files))


DOCUMENT = (ROOT / "docs" / "contract.md").read_text()
RULES, EXCUSED = listed_rules(DOCUMENT)


def test_every_rule_is_named_by_a_test():
    assert sorted(RULES - EXCUSED - all_named()) == []


def test_an_excuse_is_for_a_rule_that_no_test_names():
    assert sorted(EXCUSED - RULES) == []
    assert sorted(EXCUSED & all_named()) == []


def test_tests_name_rules_that_there_are():
    known = {identifier for identifier, _ in RULES}
    families = {identifier[0] for identifier in known}
    named = {pair for pair in all_named() if RULE.fullmatch(pair[0]) and pair[0][0] in families}
    assert sorted(named - RULES) == []


def test_the_document_is_read_as_it_is_written():
    assert {("A1", "classic"), ("A1", "designer"), ("C33", "designer"), ("Z8a", "classic")} <= RULES
    assert ("N9", "classic") not in RULES
    assert ("L2", "classic") in EXCUSED
    assert ("P1", "designer") in EXCUSED


def test_marks_are_found_where_they_stand():
    source = (
        "import pytest\nrule = pytest.mark.rule\n"
        "CASES = [pytest.param(1, marks=rule('A1', 'A2', profile='classic'))]\n"
        "@pytest.mark.rule('N1')\n@pytest.mark.parametrize('x', CASES)\ndef test_x(x): pass\n"
    )
    assert named_rules(source) == {
        ("A1", "classic"),
        ("A2", "classic"),
        ("N1", "classic"),
        ("N1", "designer"),
    }


def test_every_code_of_the_contract_is_described():
    """The table of findings says what the code gives: codes, level, rules."""
    rows = next(rows for header, rows in tables(DOCUMENT) if header[:3] == ["In", "Out", "Level"])
    described = {code: row for row in rows for code in row[:2] if code != "-"}
    for kind in KINDS:
        codes = [f"AZ{hundred}{kind.number:02d}" for hundred in (2, 3)]
        assert set(codes) & set(described), kind.message
        for code in codes:
            if code in described:
                assert described[code][2] == CODES[code].level
                assert CODES[code].rules in described[code][4]
    source = (ROOT / "azml_magic" / "contract" / "returned_values.py").read_text()
    assert set(re.findall(r"AZ\d{3}", source)) <= set(described)
    assert len(described) == sum(code != "-" for row in rows for code in row[:2])
