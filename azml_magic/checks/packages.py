"""Family ``packages``: imports that the cloud lacks, or has in another major version."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from azml_magic.checks.parsed_script import Script
from azml_magic.checks.runtimes import Runtime, as_version, distribution, runtime_of
from azml_magic.checks.standard_library import GONE, NEW, PYTHON_2
from azml_magic.checks.surroundings import Surroundings
from azml_magic.findings import CODES
from azml_magic.result import Finding

LACKING = CODES["AZ610"]
OTHER_VERSION = CODES["AZ611"]

_STANDARD = {name.partition(".")[0] for name in (*GONE, *NEW, *PYTHON_2)} | {"__future__"}
_INSTALLERS = {
    "os.system",
    "os.popen",
    "subprocess.call",
    "subprocess.check_call",
    "subprocess.run",
}


def find(script: Script, around: Surroundings) -> Iterator[Finding]:
    """Yield imports missing in the cloud (rules P2, P3), and other major versions."""
    runtime = runtime_of(around.profile)
    installed = _installed_by_script(script)
    standard = _STANDARD | around.interpreter.standard
    reported: set[str] = set()
    differing: list[tuple[int, str]] = []
    for one in script.imported:
        top = one.top
        if top in reported or top in standard or top in around.bundle_modules:
            continue
        reported.add(top)
        if top in runtime.packages:
            here, there = around.version_of(top), runtime.packages[top]
            if here and there and as_version(here)[0] != as_version(there)[0]:
                differing.append(
                    (one.line, f"{top} {here} here and {runtime.version_text(top)} there")
                )
        elif not script.walk.is_guarded(one.line) and not _names(installed, top):
            yield LACKING.at(one.line, _lacking(top, runtime, around), _fix(top, around), "P3")
    if differing:
        listed = ", ".join(text for _, text in differing[:4])
        message = f"other major versions in the cloud: {listed}"
        fix = "compare the results, or run with these versions"
        yield OTHER_VERSION.at(differing[0][0], message, fix, "P2")


def _lacking(top: str, runtime: Runtime, around: Surroundings) -> str:
    where = runtime.title if runtime.is_exact else f"{runtime.title}, as far as known"
    if not around.interpreter.can_import(top):
        missing = "" if around.bundle_files is None else ", nor in the script bundle"
        return f"{top} is not installed here{missing}, nor is it in {where}"
    return f"{top} is not in {where}"


def _fix(top: str, around: Surroundings) -> str:
    if not around.profile.network_in_cloud:
        return f"put {top} into the script bundle"
    install = f'os.system("pip install {distribution(top)}") before the import'
    return install if around.version_of(top) else f"{install}, or put {top} into the script bundle"


def _installed_by_script(script: Script) -> str:
    """Return the commands with which a script installs packages, as one text."""
    found = []
    for call in script.calls:
        if call.name in _INSTALLERS or call.name in {"pip.main", "pip._internal.main"}:
            texts = [
                part.value
                for argument in call.node.args
                for part in ast.walk(argument)
                if isinstance(part, ast.Constant) and isinstance(part.value, str)
            ]
            found.append(" ".join(texts))
    return " ".join(text for text in found if "install" in text)


def _names(command: str, package: str) -> bool:
    if " -r " in command:  # the file may list any package
        return True
    plain = command.replace("_", "-").lower()
    known = {package.replace("_", "-").lower(), distribution(package).lower()}
    return any(name in plain for name in known)
