"""Running all families of checks on one module.

A family is a file with ``find(script, around)``, which yields findings with lines of the
source. To add one, write the file and list it in ``FAMILIES``; the kinds of findings are in
:mod:`azml_magic.findings`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from azml_magic.checks import (
    api_changes,
    bundle_names,
    entry,
    environment,
    figures,
    inputs,
    lost_index,
    names,
    notebook_syntax,
    packages,
    pandas3,
    paths,
    python_version,
    returns,
)
from azml_magic.checks.parsed_script import Script, read_script
from azml_magic.checks.surroundings import Surroundings
from azml_magic.contract.profile import Profile
from azml_magic.findings import CODES, READING
from azml_magic.module.module import Module
from azml_magic.result import Finding


class Family(Protocol):
    """A family of checks."""

    def find(self, script: Script, around: Surroundings) -> Iterator[Finding]:
        """Yield the findings about a script."""


FAMILIES: tuple[Family, ...] = (
    entry,
    returns,
    names,
    notebook_syntax,
    figures,
    environment,
    paths,
    inputs,
    lost_index,
    bundle_names,
    python_version,
    packages,
    api_changes,
    pandas3,
)

_SUPPRESSION = re.compile(r"#\s*azml:\s*ignore\b(?:\[([\w\s,]*)\])?")


def check(
    module: Module,
    profile: Profile,
    *,
    connected: Sequence[str] | None = None,
    known_names: Mapping[str, str] | None = None,
    bundle_modules: Collection[str] = (),
    bundle_files: Collection[str] | None = None,
) -> list[Finding]:
    """Check a module for what would fail or differ in the cloud.

    A comment ``# azml: ignore[AZ110]`` hides findings with that code on its line, and
    ``# azml: ignore`` all findings; alone on a line, it hides findings that have no line.

    Parameters
    ----------
    module : Module
        The module to check; it is never run.
    profile : Profile
        The rules that apply.
    connected : sequence of str, optional
        The connected ports; ``None`` if not known.
    known_names : mapping of str to str, optional
        Names defined in the notebook, and where (may be empty).
    bundle_modules : collection of str
        Top-level names that can be imported from the script bundle.
    bundle_files : collection of str, optional
        Paths in the script bundle, empty for no bundle; ``None`` if not known.

    Returns
    -------
    list of Finding
        The findings, sorted by line. Lines refer to the cell or file that ``module.label`` names.
    """
    script = read_script(module.source)
    if module.bundle is not None:
        bundle_modules = bundle_modules or module.bundle.modules
        bundle_files = bundle_files or [path for path, _ in module.bundle.files]
    around = Surroundings(profile, connected, known_names or {}, bundle_modules, bundle_files)
    found = [finding for family in FAMILIES for finding in family.find(script, around)]
    offset = module.first_line - 1
    placed = [
        replace(finding, line=finding.line + offset) if finding.line is not None else finding
        for finding in found
    ]
    kept = without_ignored(placed, module)
    return sorted(kept, key=lambda finding: (finding.line or 0, finding.code, finding.message))


def without_ignored(findings: Iterable[Finding], module: Module) -> list[Finding]:
    """Return the findings not hidden by a comment; lines refer to the label's cell or file."""
    if "azml" not in module.source:
        return list(findings)
    lines = module.source.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    hidden = _suppressions(lines, module.first_line)
    return [
        finding for finding in findings if not hidden.get(finding.line, set()) & {finding.code, ""}
    ]


def describe_codes() -> list[tuple[str, str, str]]:
    """Return code, level and summary of every finding of the static checks, by code."""
    return sorted(
        (code.code, code.level, code.meaning) for code in CODES.values() if code.seen_by == READING
    )


def _suppressions(lines: Sequence[str], first_line: int) -> dict[int | None, set[str]]:
    """Return the codes hidden on each line; code ``""`` means all, line ``None`` no line."""
    hidden: dict[int | None, set[str]] = {}
    for number, line in enumerate(lines, first_line):
        found = _SUPPRESSION.search(line) if "azml" in line else None
        if found is not None:
            listed = found[1]
            codes = {""} if listed is None else {code.strip() for code in listed.split(",")}
            place = None if line.lstrip().startswith("#") else number
            hidden.setdefault(place, set()).update(codes)
    return hidden
