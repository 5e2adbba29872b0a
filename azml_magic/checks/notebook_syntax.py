"""Family ``notebook_syntax``: lines in IPython syntax."""

from __future__ import annotations

import re
from collections.abc import Iterator

from azml_magic.checks.parsed_script import Script
from azml_magic.checks.surroundings import Surroundings
from azml_magic.findings import CODES
from azml_magic.result import Finding

LINE = CODES["AZ120"]

_INSTALL = re.compile(r"\s*[!%]\s*(?:\w+\s+-m\s+)?(?:pip3?|conda|mamba|uv)\b")


def find(script: Script, around: Surroundings) -> Iterator[Finding]:
    """Yield the lines in IPython syntax."""
    for number in script.notebook_lines:
        line = script.lines[number - 1]
        message = f"`{line.strip()[:60]}` is notebook syntax; a module is plain Python"
        yield LINE.at(number, message, _fix(line, around))


def _fix(line: str, around: Surroundings) -> str:
    if _INSTALL.match(line):
        if around.profile.network_in_cloud:
            return 'install it with os.system("pip install ...") at the start of the module'
        return "put the package into the script bundle (rule P3)"
    if line.lstrip().startswith("%matplotlib"):
        return "remove it; figures are shown when they are saved as PNG by savefig"
    return "remove it"
