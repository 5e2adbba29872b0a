"""Checks before an export: findings of level error, and files that would be left behind."""

from __future__ import annotations

from pathlib import Path

from azml_magic.checks import check
from azml_magic.contract.profile import get_profile
from azml_magic.errors import ExportError
from azml_magic.exporting import notebook_files
from azml_magic.findings import CODES
from azml_magic.module.bundle import Bundle
from azml_magic.module.module import Module
from azml_magic.module.syntax import parse
from azml_magic.result import Finding


def review(
    module: Module, bundle: Bundle | None, profile: str, folder: Path, *, force: bool
) -> tuple[Finding, ...]:
    """Check a module before its export.

    Parameters
    ----------
    module, bundle, profile
        The module to export.
    folder : Path
        The notebook's folder.
    force : bool
        Whether to return findings of level error instead of raising them.

    Raises
    ------
    ExportError
        When the module would fail after the export.
    """
    try:
        parse(module.source)
    except SyntaxError as error:
        raise ExportError(
            f"{module.label} is not Python: {error.msg} (line {error.lineno})",
            "run the module first: one that does not run cannot be exported",
        ) from error
    names = bundle.modules if bundle is not None else ()
    found = check(module, get_profile(profile), bundle_modules=names)
    findings = [*found, *_left_out(module.source, bundle, folder)]
    errors = [finding for finding in findings if finding.level == "error"]
    if errors and not force:
        first = errors[0]
        more = f", and {len(errors) - 1} more" if len(errors) > 1 else ""
        line = f" (line {first.line})" if first.line else ""
        raise ExportError(
            f"{first.code}{line}: {first.message}{more}",
            first.fix or "fix it, or export with --force (force=True)",
        )
    return tuple(findings)


def _left_out(source: str, bundle: Bundle | None, folder: Path) -> list[Finding]:
    modules = [
        CODES["AZ701"].at(
            None,
            f"the module imports {name} from the notebook's folder, but its bundle lacks it",
            f"include it: --include {name} (include=[{name!r}])",
        )
        for name in notebook_files.missing_modules(source, bundle, folder)
    ]
    files = [
        CODES["AZ702"].at(
            None,
            f"the module mentions the file {name!r}, but its bundle lacks it",
            f"if it reads the file, include it: --include {name} (include=[{name!r}])",
        )
        for name in notebook_files.named_files(source, bundle, folder)
    ]
    return modules + files
