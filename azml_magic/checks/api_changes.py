"""Family ``api_changes``: API that only the cloud's or only the local packages have."""

from __future__ import annotations

from collections.abc import Iterator

from azml_magic.checks.api_table import METHODS, NAMES, PACKAGES
from azml_magic.checks.api_uses import Use, uses
from azml_magic.checks.parsed_script import Script
from azml_magic.checks.runtimes import Runtime, as_version, runtime_of
from azml_magic.checks.surroundings import Surroundings
from azml_magic.findings import CODES
from azml_magic.result import Finding

NEWER = CODES["AZ620"]
OLDER = CODES["AZ621"]


def find(script: Script, around: Surroundings) -> Iterator[Finding]:
    """Yield each API that differs between the local and the cloud's versions once (rule P2)."""
    runtime = runtime_of(around.profile)
    reported: set[str] = set()
    for use in sorted(set(uses(script))):
        if use.what not in reported and not script.walk.is_guarded(use.line):
            finding = _judge(use, runtime, around)
            if finding is not None:
                reported.add(use.what)
                yield finding


def _judge(use: Use, runtime: Runtime, around: Surroundings) -> Finding | None:
    installed = around.version_of(use.package)
    there, here = as_version(runtime.packages[use.package]), as_version(installed)
    since, until = as_version(use.since), as_version(use.until)
    cloud = runtime.version_text(use.package)
    if use.since and there < since:
        message = f"{use.what} needs {use.package} {use.since}; the cloud's is {cloud}"
        level = "" if runtime.is_exact else "warning"
        return NEWER.at(use.line, message, f"write {use.instead}", "P2", level=level)
    if not use.until:
        return None
    if until <= there:
        message = f"{use.what} was removed in {use.package} {use.until}; the cloud's is {cloud}"
        return NEWER.at(use.line, message, f"write {use.instead}", "P2")
    if until <= here:
        message = (
            f"{use.what} was removed in {use.package} {use.until}: the cloud's ({cloud}) has it, "
            f"{installed} here does not"
        )
        in_both = _is_old(use.instead, runtime)
        fix = f"{use.instead} works in both" if in_both else f"here write {use.instead}"
        return OLDER.at(use.line, message, fix, "P2")
    return None


def _is_old(instead: str, runtime: Runtime) -> bool:
    """Return whether the cloud has the replacement, i.e. no table lists it as newer."""
    name = instead.replace("pd.", "pandas.").replace("np.", "numpy.").partition("(")[0]
    package = name.partition(".")[0]
    parts = [part for part in NAMES if name == part or name.startswith(f"{part}.")]
    versions = [NAMES[part][0] for part in parts]
    versions += [METHODS[last][1] for last in [name.rpartition(".")[2]] if last in METHODS]
    there = as_version(runtime.packages[package if package in PACKAGES else "pandas"])
    return all(as_version(version) <= there for version in versions)
