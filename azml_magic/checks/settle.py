"""What reading foresaw and what the run then saw, told once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from azml_magic.checks.check import FAMILIES, without_ignored
from azml_magic.module.module import Module
from azml_magic.result import LEVELS, Finding


def settled(findings: Iterable[Finding], module: Module) -> tuple[Finding, ...]:
    """Return a run's findings, each matter once, without those that the module ignores.

    What reading foresaw gives way to what the run saw by the same rule, on the same line or
    on none. The run knows what happened, and reading knows the line and how grave it is.

    Parameters
    ----------
    findings : iterable of Finding
        Of reading and of the run together.
    module : Module
        Its ``# azml: ignore`` comments count for both.
    """
    read_codes = {code.code for family in FAMILIES for code in family.CODES}
    kept = without_ignored(findings, module)
    seen = [one for one in kept if one.code not in read_codes]
    foreseen = [one for one in kept if one.code in read_codes]
    for position, one in enumerate(seen):
        same = [other for other in foreseen if _is_same(other, one)]
        if same:
            graver = max([one, *same], key=lambda each: LEVELS.index(each.level)).level
            line = same[0].line if one.line is None else one.line
            seen[position] = replace(one, line=line, level=graver)
            foreseen = [other for other in foreseen if other not in same]
    return (*foreseen, *seen)


def _is_same(foreseen: Finding, seen: Finding) -> bool:
    at_line = seen.line is None or seen.line == foreseen.line
    return bool(seen.rule) and seen.rule == foreseen.rule and at_line
