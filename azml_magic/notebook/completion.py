"""Tab completion of the magics' lines: options, ports, frames, paths, names.

A matcher for IPython's matcher API v2. It only handles lines of our magics, in notebooks,
consoles and terminals.
"""

from __future__ import annotations

import argparse
import glob
import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from IPython.core.completer import (
    CompletionContext,
    SimpleCompletion,
    SimpleMatcherResult,
    context_matcher,
)

from azml_magic.notebook import magic_options, variables
from azml_magic.notebook.magic_options import PORTS
from azml_magic.protocol.options import Options
from azml_magic.protocol.settings import described

if TYPE_CHECKING:
    from azml_magic.notebook.workspace import Workspace

PARSERS: dict[str, Callable[[], argparse.ArgumentParser]] = {
    "azureml_module": magic_options.build_parser,
    "azureml_check": magic_options.build_parser,
    "azureml_ports": magic_options.build_ports_parser,
}
"""The magics with completion of options, and their parsers."""

NAMED = frozenset({"azureml_export", "azureml_serve"})
"""Magics whose first word is a module's name; the rest of the line is not completed."""

_CELL = re.compile(r"\s*%%(\w+)[ \t]+(.*)\Z", re.DOTALL)
_LINE = re.compile(r"\s*%(\w+)[ \t]+(.*)\Z", re.DOTALL)


@dataclass(frozen=True)
class Candidate:
    """A completion, and the hint shown beside it."""

    text: str
    hint: str = ""


def matcher_of(workspace: Workspace) -> Callable[[CompletionContext], SimpleMatcherResult]:
    """Return the matcher for the notebook of a workspace."""

    @context_matcher(identifier="azml_magic.completion")
    def azml_matcher(context: CompletionContext) -> SimpleMatcherResult:
        typed = magic_line(context.full_text, context.cursor_line, context.text_until_cursor)
        if typed is None:
            return SimpleMatcherResult(completions=[])
        fragment, found = candidates(workspace, *typed)
        return SimpleMatcherResult(
            # Frontends would wrap the type at its blanks.
            completions=[
                SimpleCompletion(item.text, type=item.hint.replace(" ", "\u00a0")) for item in found
            ],
            matched_fragment=fragment,
            suppress=bool(found),
            ordered=True,
        )

    matcher: Callable[[CompletionContext], SimpleMatcherResult] = azml_matcher
    return matcher


def magic_line(text: str, cursor_line: int, until_cursor: str) -> tuple[str, str] | None:
    """Return the name and the typed line of the magic at the cursor, or ``None``.

    Parameters
    ----------
    text : str
        The whole cell.
    cursor_line : int
        Line of the cursor, counted from 0.
    until_cursor : str
        The text before the cursor, of its line or of the cell.
    """
    line = until_cursor.rsplit("\n", 1)[-1]
    first_line = len(text[: len(text) - len(text.lstrip())].splitlines())
    found = _LINE.match(line)
    if line.lstrip().startswith("%%"):
        found = _CELL.match(line) if cursor_line <= first_line else None
    if found is None or found[1] not in PARSERS.keys() | NAMED:
        return None
    return found[1], found[2]


def candidates(workspace: Workspace, magic: str, typed: str) -> tuple[str, list[Candidate]]:
    """Return the part of the line to be replaced, and the candidates for it.

    Parameters
    ----------
    workspace : Workspace
        The workspace of the notebook.
    magic : str
        Name of the magic: a key of ``PARSERS``, or a member of ``NAMED``.
    typed : str
        The line up to the cursor.
    """
    words = re.split(r"[ \t]+", typed)
    word, before = words[-1], words[:-1]
    if magic in NAMED:
        return word, [] if before else _starting(word, _modules(workspace))
    parser = PARSERS[magic]()
    if word.startswith("-") and "=" not in word:
        return word, _starting(word, _options(parser, word, before))
    option = _option(parser, before[-1]) if before else None
    if word.startswith("--") and "=" in word:
        name, _, word = word.partition("=")
        option = _option(parser, name)
    if word.startswith("$"):
        return word, _starting(word, _scalars(workspace.shell))
    if option is None or option.nargs == 0:
        if not word and magic != "azureml_ports":
            return word, _options(parser, word, before)
        return word, _starting(word, _modules(workspace))
    fragment = re.split("[=,]", word)[-1]
    if option.dest == "input":
        found = _inputs(workspace, word, " ".join(before))
    else:
        found = _values(workspace, option.dest, fragment)
    return fragment, _starting(fragment, found)


def _starting(fragment: str, found: Iterable[Candidate]) -> list[Candidate]:
    return [item for item in found if item.text.startswith(fragment)]


def _option(parser: argparse.ArgumentParser, word: str) -> argparse.Action | None:
    return parser._option_string_actions.get(word)


def _options(parser: argparse.ArgumentParser, word: str, before: list[str]) -> list[Candidate]:
    """Return the options that can follow: long ones, and after a single dash short ones."""
    found = []
    for action in parser._actions:
        given = any(name in before for name in action.option_strings)
        if given and not isinstance(action, argparse._AppendAction):
            continue
        for name in sorted(action.option_strings, key=len, reverse=True):
            if name.startswith("--") or word == "-":
                found.append(Candidate(name, _brief(action)))
    return found


def _brief(action: argparse.Action) -> str:
    """Return the first words of an option's help, short enough to be shown beside its name."""
    words = re.split(r"[;:,(]", action.help or "")[0].split()
    return " ".join(words[:4])


def _inputs(workspace: Workspace, word: str, before: str) -> list[Candidate]:
    """Return the frames with their shapes, and the free ports."""
    frames = [
        Candidate(name, f"frame {variables.shape_text(frame)}")
        for name, frame in variables.frames(workspace.shell).items()
    ]
    if word.rpartition(",")[2].count("="):
        return frames
    taken = before + " " + word.rpartition(",")[0]
    ports = [Candidate(f"{port}=", "port") for port in PORTS if f"{port}=" not in taken]
    return [*frames, *ports]


def _values(workspace: Workspace, option: str, fragment: str) -> list[Candidate]:
    if option == "zip":
        return _bundles(fragment)
    if option == "function":
        return _modules(workspace)
    if option == "name":
        return [Candidate(name, "module") for name in workspace.modules]
    if option == "output":
        frames = variables.frames(workspace.shell)
        return [Candidate(name, variables.shape_text(frames[name])) for name in frames]
    about = described(Options).get(option)
    return [Candidate(choice, option) for choice in (about.choices if about is not None else ())]


def _bundles(fragment: str) -> list[Candidate]:
    """Return the folders and zips that complete a path."""
    start = os.path.expanduser(fragment)
    kept = fragment if start == fragment else None
    found = []
    for path in sorted(glob.glob(glob.escape(start) + "*")):
        # A typed ~ is kept: only the rest of the path is completed.
        text = path if kept is not None else fragment + path[len(start) :]
        if " " in text:
            continue
        if os.path.isdir(path):
            found.append(Candidate(f"{text}/", "folder"))
        elif path.lower().endswith(".zip"):
            found.append(Candidate(text, "zip"))
    return found


def _modules(workspace: Workspace) -> list[Candidate]:
    found = [Candidate(name, "function") for name in variables.functions(workspace.shell)]
    return found + [Candidate(name, "module") for name in workspace.modules]


def _scalars(shell: Any) -> list[Candidate]:
    return [
        Candidate(f"${name}", repr(value)[:40])
        for name, value in sorted(dict(shell.user_ns).items())
        if isinstance(value, (str, int, float)) and not name.startswith("_")
    ]
