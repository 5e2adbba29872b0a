"""All families of checks over one module.

A family is a file with ``CODES``, its kinds of findings, and ``find(script, around)``, which
yields findings with lines of the source. To add one, write the file and name it in
``FAMILIES``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from azml_magic.checks import entry, environment, figures, names, notebook_syntax, paths, returns
from azml_magic.checks.codes import Code, Surroundings
from azml_magic.checks.script import Script, read_script
from azml_magic.contract.profile import Profile
from azml_magic.module import bundle
from azml_magic.module.module import Module
from azml_magic.result import Finding


class Family(Protocol):
    """A file of checks."""

    CODES: tuple[Code, ...]

    def find(self, script: Script, around: Surroundings) -> Iterator[Finding]:
        """Yield what is found in a script."""


FAMILIES: tuple[Family, ...] = (
    entry,
    returns,
    names,
    notebook_syntax,
    figures,
    environment,
    paths,
)

_SUPPRESSION = re.compile(r"#\s*azml:\s*ignore\b(?:\[([\w\s,]*)\])?")


def check(
    module: Module,
    profile: Profile,
    *,
    connected: Sequence[str] | None = None,
    known_names: Mapping[str, str] | None = None,
    bundle_modules: Collection[str] = (),
) -> list[Finding]:
    """Read a module and say what would break or differ in the cloud.

    A comment ``# azml: ignore[AZ110]`` hides findings of that code on its line,
    ``# azml: ignore`` all of them; on a line of its own it hides findings that have no line.

    Parameters
    ----------
    module : Module
        What to read; it is never run.
    profile : Profile
        Whose rules apply.
    connected : sequence of str, optional
        The connected ports; ``None`` when they are not known.
    known_names : mapping of str to str, optional
        Names of the notebook, and where each is defined (may be empty).
    bundle_modules : collection of str
        Top-level names that the script bundle makes importable.

    Returns
    -------
    list of Finding
        By line. Lines are those of the place that ``module.label`` names.
    """
    script = read_script(module.source)
    modules = bundle_modules or (module.bundle.modules if module.bundle is not None else ())
    around = Surroundings(profile, connected, known_names or {}, modules)
    found = [finding for family in FAMILIES for finding in family.find(script, around)]
    hidden = _suppressions(script.lines)
    offset = module.first_line - 1
    kept = [
        replace(finding, line=finding.line + offset) if finding.line is not None else finding
        for finding in found
        if finding.code not in hidden.get(finding.line, set())
        and "" not in hidden.get(finding.line, set())
    ]
    return sorted(kept, key=lambda finding: (finding.line or 0, finding.code, finding.message))


def describe_codes() -> list[tuple[str, str, str]]:
    """Return code, level and summary of every finding that reading can give, by code."""
    described = [
        (code.code, code.level, code.summary) for family in FAMILIES for code in family.CODES
    ]
    return sorted([*described, *bundle.CODES])


def _suppressions(lines: Sequence[str]) -> dict[int | None, set[str]]:
    """Return the codes hidden on each line; ``""`` for all, ``None`` for no line."""
    hidden: dict[int | None, set[str]] = {}
    for number, line in enumerate(lines, 1):
        found = _SUPPRESSION.search(line) if "azml" in line else None
        if found is not None:
            listed = found[1]
            codes = {""} if listed is None else {code.strip() for code in listed.split(",")}
            place = None if line.lstrip().startswith("#") else number
            hidden.setdefault(place, set()).update(codes)
    return hidden
