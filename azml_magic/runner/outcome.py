"""What a worker reported, checked field by field, and what that means.

The worker is hostile territory: its events are JSON of known shape or they are refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from azml_magic.controls import plain
from azml_magic.result import LEVELS, Finding
from azml_magic.worker.report import BEGUN

STAGES = ("compile", "import", "find", "call", "return", "write")
NUMBERS = ("0085", "0018")
LIST_ITEMS = 2_000
TEXT = 20_000

T = TypeVar("T")


class BadReport(ValueError):
    """The worker's event does not have the shape of a report."""


@dataclass(frozen=True)
class Entry:
    """One frame of a reported traceback."""

    file: str
    line: int
    function: str
    text: str
    mine: bool


@dataclass(frozen=True)
class FailureReport:
    """The exception that ended the module."""

    stage: str
    kind: str
    number: str
    message: str
    hint: str
    refused: bool
    name: str
    errno: int | None
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class OpenFigure:
    """A figure that was left open and never saved."""

    number: int
    preview: bool


@dataclass(frozen=True)
class Upload:
    """A file that a designer script uploaded: where it is stored, and its name."""

    file: str
    name: str


@dataclass(frozen=True)
class Obstacle:
    """What kept a module from being run, in the worker: the class of an exception, and its text."""

    kind: str
    message: str


@dataclass(frozen=True)
class SuccessReport:
    """What follows on the wire, and what the worker noted."""

    outputs: tuple[bool, bool]
    findings: tuple[Finding, ...]
    unsaved: tuple[OpenFigure, ...]
    uploads: tuple[Upload, ...]


def read_begin(event: Mapping[str, Any]) -> Obstacle | None:
    """Check the event that says that the module begins now; return why it cannot, else None.

    Raises
    ------
    BadReport
        When it is another event.
    """
    if event == BEGUN:
        return None
    if event.get("event") != "not begun":
        raise BadReport("the worker spoke before the module began")
    return Obstacle(_text(event, "kind"), _text(event, "message"))


def read_report(event: Mapping[str, Any]) -> SuccessReport | FailureReport:
    """Check a worker's event.

    Raises
    ------
    BadReport
        When anything in it is missing, of another type, or larger than allowed.
    """
    kind = event.get("event")
    if kind == "result":
        return _success(event)
    if kind == "failure":
        return _failure(event)
    raise BadReport("an event of an unknown kind")


def _success(event: Mapping[str, Any]) -> SuccessReport:
    outputs = _list(event, "outputs", _bool)
    if len(outputs) != 2:
        raise BadReport("a result has two output ports")
    return SuccessReport(
        outputs=(outputs[0], outputs[1]),
        findings=tuple(_list(event, "findings", _finding)),
        unsaved=tuple(_list(event, "unsaved", _open_figure)),
        uploads=tuple(_list(event, "uploads", _upload)),
    )


def _failure(event: Mapping[str, Any]) -> FailureReport:
    stage, number, errno = _text(event, "stage"), _text(event, "number"), event.get("errno")
    if stage not in STAGES or number not in NUMBERS:
        raise BadReport("an unknown stage or error number")
    return FailureReport(
        stage=stage,
        number=number,
        kind=_text(event, "kind"),
        message=_text(event, "message"),
        hint=_text(event, "hint"),
        refused=_bool(event.get("refused")),
        name=_text(event, "name"),
        errno=None if errno is None else _whole(event, "errno"),
        entries=tuple(_list(event, "entries", _entry)),
    )


def _finding(value: object) -> Finding:
    item = _mapping(value)
    if set(item) != {field.name for field in fields(Finding)}:
        raise BadReport("a finding of another shape")
    line = item["line"]
    finding = Finding(
        code=_text(item, "code"),
        level=_text(item, "level"),
        message=_text(item, "message"),
        fix=_text(item, "fix"),
        rule=_text(item, "rule"),
        line=None if line is None else _whole(item, "line"),
        port=_text(item, "port"),
    )
    if finding.level not in LEVELS:
        raise BadReport("a finding of an unknown level")
    return finding


def _entry(value: object) -> Entry:
    item = _mapping(value)
    return Entry(
        file=_text(item, "file"),
        line=_whole(item, "line"),
        function=_text(item, "function"),
        text=_text(item, "text"),
        mine=_bool(item.get("mine")),
    )


def _open_figure(value: object) -> OpenFigure:
    item = _mapping(value)
    return OpenFigure(number=_whole(item, "number"), preview=_bool(item.get("preview")))


def _upload(value: object) -> Upload:
    item = _mapping(value)
    file = _text(item, "file")
    if not file.isascii() or not file.isdigit() or len(file) > 8:
        raise BadReport("an upload stored under another name")
    return Upload(file=file, name=_text(item, "name"))


def _mapping(value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise BadReport("an object was expected")
    return value


def _text(item: Mapping[str, Any], key: str) -> str:
    value = item.get(key)
    if not isinstance(value, str):
        raise BadReport(f"{key} is not text")
    # JSON also has unpaired surrogates, which nothing could show or save.
    value = plain(value[:TEXT]) + (" [...]" if len(value) > TEXT else "")
    return value.encode("utf-8", "replace").decode("utf-8")


def _whole(item: Mapping[str, Any], key: str) -> int:
    value = item.get(key)
    if type(value) is not int or not -(2**31) <= value < 2**31:
        raise BadReport(f"{key} is not a whole number")
    return value


def _bool(value: object) -> bool:
    if not isinstance(value, bool):
        raise BadReport("true or false was expected")
    return value


def _list(item: Mapping[str, Any], key: str, read: Callable[[object], T]) -> list[T]:
    values = item.get(key)
    if not isinstance(values, list) or len(values) > LIST_ITEMS:
        raise BadReport(f"{key} is not a list of at most {LIST_ITEMS}")
    return [read(value) for value in values]
