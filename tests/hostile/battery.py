"""The battery: every snippet in a real run, judged by what happened to the canary.

``python battery.py [GROUP...]`` runs it where it stands and prints a line of JSON; ``table.py``
runs it on every machine that can be simulated here, and prints a table.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict, dataclass
from typing import Any

import snippets_files
import snippets_kernel
import snippets_leftovers
import snippets_network
import snippets_privileges
import snippets_processes
import snippets_resources
import snippets_result
from canary import LEAVING_SECONDS, Canary
from snippet import Snippet, module_source

import azml_magic
from azml_magic import api
from azml_magic.errors import SandboxError

ROOMS = (
    snippets_network, snippets_files, snippets_processes, snippets_privileges, snippets_kernel,
    snippets_resources, snippets_result, snippets_leftovers,
)  # fmt: skip
SNIPPETS: list[Snippet] = [snippet for room in ROOMS for snippet in room.snippets]

CONTAINED, DOCUMENTED, ESCAPED, HARMED = "contained", "documented", "escaped", "harmed"
SECONDS = 20.0
GRACE_SECONDS = 30.0
# What may never stand in what a person sees: markup of a run, and a terminal's commands.
MARKUP = ("<script>hostile", "<img src=x onerror")
COMMANDS = ("\x1b]0;hostile", "\x1b[2J", "\x9b", "\u202e")


@dataclass(frozen=True)
class Verdict:
    """What became of one snippet."""

    group: str
    name: str
    verdict: str
    detail: str = ""
    seconds: float = 0.0
    error: str = ""


def run_battery(snippets: list[Snippet], level: int, patience: float) -> list[Verdict]:
    """Try snippets one after the other against one canary; a touched one is replaced."""
    verdicts: list[Verdict] = []
    canary: Canary | None = None
    for snippet in snippets:
        if canary is None:
            azml_magic.run("def azureml_main(): pass")
            canary = Canary(patience)
        verdicts.append(try_one(snippet, canary, level))
        if verdicts[-1].verdict == HARMED:
            canary.close()
            canary = None
    if canary is not None:
        canary.close()
    return verdicts


def try_one(snippet: Snippet, canary: Canary, level: int) -> Verdict:
    """Run one snippet and judge it."""
    options: dict[str, Any] = {"timeout": SECONDS, **snippet.options}
    begun = time.monotonic()
    result, error, crash = None, "", ""
    seen: azml_magic.AzmlError | None = None
    try:
        result = azml_magic.run(_source(snippet, canary), **options)
    except azml_magic.AzmlError as refused:
        result, error = getattr(refused, "result", None), type(refused).__name__
        seen = refused
        if isinstance(refused, SandboxError):
            crash = f"the sandbox broke: {refused}"[:300]
    except BaseException as unexpected:
        crash = f"the notebook raised {type(unexpected).__name__}: {unexpected}"[:300]
    took = time.monotonic() - begun
    harms = canary.changes()
    if crash:
        harms.append(crash)
    if took > options["timeout"] + GRACE_SECONDS:
        harms.append(f"it took {took:.1f} s")
    told = _told(result) if result is not None else ""
    escapes = [line for line in told.splitlines() if line.startswith("REACHED")]
    if canary.token in told or (result is not None and _pictured(result, canary.token)):
        escapes.append("the secret")
    if result is not None:
        escapes += _shown(result, seen)
    verdict = HARMED if harms else ESCAPED if escapes else CONTAINED
    if verdict == ESCAPED and snippet.documented and level in _DOCUMENTED[snippet.documented]:
        verdict = DOCUMENTED
    detail = "; ".join([*harms, *escapes])[:500]
    if detail:
        print(verdict, snippet.group, snippet.name, detail, sep=" | ", flush=True)
    return Verdict(snippet.group, snippet.name, verdict, detail, round(took, 3), error)


# Where an escape is expected, and stands in docs/security.md.
_DOCUMENTED = {"stat": {1}, "loader": {1, 2, 3}}


def _source(snippet: Snippet, canary: Canary) -> str:
    source = module_source(snippet, canary.facts)
    if "azml_frame" in snippet.code:
        source += "    return azml_frame,\n"
    return source


def _told(result: azml_magic.Result) -> str:
    frames = [frame for frame in (result.output1, result.output2) if frame is not None]
    return "\n".join([result.stdout, result.stderr, result.log, *map(str, frames)])


def _pictured(result: azml_magic.Result, token: str) -> bool:
    figures = (*result.figures, *result.previews)
    return any(token.encode() in figure.png for figure in figures)


def _shown(result: azml_magic.Result, error: azml_magic.AzmlError | None) -> list[str]:
    """Name what a run got into the page or the terminal that a person sees."""
    from azml_magic.display.mime import page
    from azml_magic.display.terminal import error_terminal, result_terminal

    found = [f"{mark} on the page" for mark in MARKUP if mark in page(result, "battery")]
    texts = [result_terminal(result, rows=10, colors=False)]
    if error is not None:
        texts.append(error_terminal(error, colors=False))
    for text in texts:
        found += [f"{mark!r} in the terminal" for mark in COMMANDS if mark in text]
    return found


def chosen(groups: list[str], *, harmless: bool) -> list[Snippet]:
    """Return the snippets of some groups, of all when none is named; or those with a name."""
    found = [one for one in SNIPPETS if not groups or one.group in groups or one.name in groups]
    return [one for one in found if one.harmless and not one.slow] if harmless else found


def main() -> None:
    """Run the battery here, and print the verdicts as JSON.

    With ``harmless`` as first argument it leaves out what must be confined, and is impatient;
    groups or names of snippets follow.
    """
    harmless = sys.argv[1:2] == ["harmless"]
    snippets = chosen(sys.argv[2:] if harmless else sys.argv[1:], harmless=harmless)
    level = int(api.machine().level)
    begun = time.monotonic()
    verdicts = run_battery(snippets, level, 1.0 if harmless else LEAVING_SECONDS)
    answer = {
        "level": level,
        "seconds": time.monotonic() - begun,
        "verdicts": [asdict(one) for one in verdicts],
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
