"""The command ``azml-magic check``: findings for people and for other programs."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from azml_magic import __version__, api
from azml_magic.display.report_formats import github_annotations, json_report, sarif_report
from azml_magic.display.terminal import findings_terminal, wants_color
from azml_magic.module.module import Module
from azml_magic.protocol.options import Options
from azml_magic.protocol.settings import add_arguments, described

FORMATS = ("text", "json", "sarif", "github")


def add_command(commands: Any) -> None:
    """Add the command to the subparsers of the command line."""
    check = commands.add_parser(
        "check",
        help="read a module without running it",
        description="Report what would break or differ in the cloud, without running the module.",
        epilog="Exit status: 0 without errors, 1 with errors (with --strict: or warnings), "
        "2 for a usage error.",
    )
    add = check.add_argument
    add("module", help="a .py file that defines azureml_main, or a zip")
    add("--bundle", metavar="PATH", help="script bundle: a .zip or a folder")
    add_arguments(check, {"profile": described(Options)["profile"]}, letters=True)
    add("--format", default="text", choices=FORMATS, help="text (default), json, sarif or github")
    add("--strict", action="store_true", help="treat warnings as errors")
    check.set_defaults(action=_check)


def _check(options: argparse.Namespace) -> int:
    module = Module.from_path(options.module)
    findings = api.check(module, options.bundle, profile=options.profile)
    file, profile = options.module, module.profile or options.profile
    if options.format == "json":
        text = json_report(findings, file, profile, __version__)
    elif options.format == "sarif":
        text = sarif_report(findings, file, api.codes(), __version__)
    elif options.format == "github":
        text = github_annotations(findings, file)
    else:
        text = findings_terminal(findings, module.label, colors=wants_color(sys.stdout))
    if text:
        print(text)
    failing = {"error", "warning"} if options.strict else {"error"}
    return int(any(finding.level in failing for finding in findings))
