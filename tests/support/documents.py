"""Tables of the documentation that come from the code.

``python tests/support/documents.py`` writes them anew.
"""

import re
from itertools import groupby
from pathlib import Path

from azml_magic.findings import CODES, EXPORT, INPUT, OUTPUT, READING

FINDINGS = Path(__file__).resolve().parents[2] / "docs" / "findings.md"
_COLUMNS = ["code", "level", "what happens in the cloud", "fix", "example"]


def section_of(code):
    """Return the heading under which a kind of finding stands."""
    if code.seen_by != READING:
        return "Found on export" if code.seen_by == EXPORT else "Found when it runs"
    return {
        "1": "The module",
        "2": "Inputs, outputs and the bundle",
        "3": "Inputs, outputs and the bundle",
        "4": "Figures",
        "5": "The run's surroundings",
        "6": "Versions",
    }[code.code[2]]


def findings_page(page):
    """Return docs/findings.md with its tables as the list of findings says."""
    for section in {section_of(code): None for code in CODES.values()}:
        table = _table([code for code in CODES.values() if section_of(code) == section])
        page, count = re.subn(
            rf"(?s)(## {re.escape(section)}\n\n(?:[^|\n][^\n]*\n)*\n?)(?:\|[^\n]*\n)+",
            r"\1" + table.replace("\\", r"\\"),
            page,
        )
        assert count == 1, section
    return page


def _table(codes):
    examples = codes[0].seen_by == READING
    columns = _COLUMNS if examples else _COLUMNS[:-1]
    lines = [f"| {' | '.join(columns)} |", "|" + "---|" * len(columns)]
    for _, same in groupby(codes, key=_change):
        lines.append(_row(list(same), examples))
    return "\n".join(lines) + "\n"


def _change(code):
    """Return what the two kinds of a change of a frame have in common."""
    is_change = code.seen_by in {INPUT, OUTPUT} and code.code[3] in "012"
    return code.code[3:] if is_change else code.code


def _row(codes, examples):
    first = codes[0]
    rules = ", ".join(dict.fromkeys(code.rules for code in codes if code.rules))
    meaning = f"{first.meaning} ({rules})" if rules else first.meaning
    cells = [", ".join(code.code for code in codes), first.level, meaning, first.advice]
    cells += [first.example] if examples else []
    return "".join(f"| {cell} " if cell else "| " for cell in cells) + "|"


if __name__ == "__main__":
    FINDINGS.write_text(findings_page(FINDINGS.read_text(encoding="utf-8")), encoding="utf-8")
