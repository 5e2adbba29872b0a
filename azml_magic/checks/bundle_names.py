"""Family ``bundle_names``: modules of the script bundle that are shadowed by others."""

from __future__ import annotations

from collections.abc import Iterator

from azml_magic.checks.parsed_script import Script
from azml_magic.checks.runtimes import runtime_of
from azml_magic.checks.surroundings import Surroundings
from azml_magic.findings import CODES
from azml_magic.result import Finding

HIDDEN = CODES["AZ286"]


def find(script: Script, around: Surroundings) -> Iterator[Finding]:
    """Yield modules of the bundle that are shadowed (rule Z2: the bundle is searched last)."""
    lines = {one.top: one.line for one in reversed(script.imported)}
    for name in sorted(around.bundle_modules):
        hides = _hides(name, around)
        if hides:
            message = f"{name} in the bundle is shadowed by {hides}: the bundle is searched last"
            yield HIDDEN.at(lines.get(name), message, "rename it in the bundle", "Z2")


def _hides(name: str, around: Surroundings) -> str:
    if name in around.interpreter.standard:
        return "the standard library"
    if name == around.profile.module_name:
        return "the script itself"
    if name in runtime_of(around.profile).packages:
        return "a package of the cloud"
    if around.interpreter.can_import(name):
        return "a package installed here, though not in the cloud"
    return ""
