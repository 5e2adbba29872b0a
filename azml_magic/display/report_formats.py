"""Findings for other programs: JSON, SARIF and GitHub workflow annotations."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from azml_magic.result import LEVELS, Finding

SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_COMMANDS = {"error": "error", "warning": "warning", "note": "notice"}

Codes = Sequence[tuple[str, str, str]]
"""Code, level and summary of all findings."""


def json_report(findings: Sequence[Finding], file: str, profile: str, version: str) -> str:
    """Return findings as a JSON object with the file, the profile, and a list.

    Parameters
    ----------
    findings : sequence of Finding
        The findings, in the order to list them.
    file : str
        The module's path as given by the user.
    profile : str
        ``"classic"`` or ``"designer"``.
    version : str
        Version of azml_magic.
    """
    counted = Counter(finding.level for finding in findings)
    report = {
        "version": version,
        "module": file,
        "profile": profile,
        "counts": {level: counted[level] for level in reversed(LEVELS)},
        "findings": [vars(finding) for finding in findings],
    }
    return json.dumps(report, indent=2)


def sarif_report(findings: Sequence[Finding], file: str, codes: Codes, version: str) -> str:
    """Return findings in SARIF 2.1.0, for code scanning services.

    Parameters
    ----------
    findings : sequence of Finding
        The findings, in the order to list them.
    file : str
        The module's path as given by the user.
    codes : sequence of (str, str, str)
        The meaning of each code; codes that were found become the tool's rules.
    version : str
        Version of azml_magic.
    """
    found = sorted({finding.code for finding in findings})
    meanings = {code: (level, summary) for code, level, summary in codes}
    driver = {
        "name": "azml_magic",
        "version": version,
        "rules": [_rule(code, *meanings.get(code, ("warning", code))) for code in found],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, found.index(finding.code), file) for finding in findings],
    }
    report = {"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(report, indent=2)


def github_annotations(findings: Sequence[Finding], file: str) -> str:
    """Return findings as GitHub workflow commands, which GitHub shows beside the lines."""
    lines = []
    for finding in findings:
        properties = {"file": file, "title": finding.code}
        if finding.line is not None:
            properties["line"] = str(finding.line)
        listed = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
        lines.append(f"::{_COMMANDS[finding.level]} {listed}::{_escaped(_text(finding))}")
    return "\n".join(lines)


def _rule(code: str, level: str, summary: str) -> dict[str, Any]:
    return {
        "id": code,
        "shortDescription": {"text": summary},
        "defaultConfiguration": {"level": level},
    }


def _result(finding: Finding, position: int, file: str) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": {"uri": _uri(file)}}
    # Services require a line for each result; findings without one are put on the first.
    place["region"] = {"startLine": max(finding.line or 1, 1)}
    return {
        "ruleId": finding.code,
        "ruleIndex": position,
        "level": finding.level,
        "message": {"text": _text(finding)},
        "locations": [{"physicalLocation": place}],
    }


def _text(finding: Finding) -> str:
    return f"{finding.message}. Fix: {finding.fix}" if finding.fix else finding.message


def _uri(file: str) -> str:
    path = file.replace("\\", "/")
    drive = re.match(r"[A-Za-z]:/", path)
    if drive or path.startswith("/"):
        return "file://" + quote(f"/{path}" if drive else path, safe="/:")
    return quote(path.removeprefix("./"), safe="/")


def _escaped(text: str) -> str:
    text = text.encode("utf-8", "backslashreplace").decode()
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")
