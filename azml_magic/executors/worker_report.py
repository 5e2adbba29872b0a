"""What a worker reported, checked field by field.

The worker is not trusted: an event must be JSON of a known shape, and what it says in the name of
this package must be made of the package's own sentences; otherwise it is refused. A module's own
words are the texts of its exceptions, and are shown as such.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from azml_magic import errors, sentences
from azml_magic.contract import changes, returned_values
from azml_magic.controls import plain
from azml_magic.languages.python import observe
from azml_magic.protocol.job_header import BEGUN
from azml_magic.result import Finding
from azml_magic.sentences import OUTPUTS, ComposedText, Detail, Hint, Refusal, Sentence

STAGES = ("compile", "import", "find", "call", "return", "write")
REFUSING_STAGES = ("return", "write")
NUMBERS = ("0085", "0018")
LIST_ITEMS = 2_000
TEXT = 20_000

FINDINGS = {
    kind.key: kind
    for kind in (
        *(kind.of(incoming=False) for kind in changes.KINDS),
        *returned_values.KINDS,
        *observe.KINDS,
    )
}
"""What a run can report as a finding; anything else is refused."""
_OUR_EXCEPTIONS = frozenset(
    name.lower()
    for name, value in vars(errors).items()
    if isinstance(value, type) and issubclass(value, errors.AzmlError)
)
_CLASS = re.compile(r"[A-Za-z_][\w.<>]{0,199}", re.ASCII)
_FILE = re.compile(r"(Script Bundle/)?[\w./+-]{1,200}", re.ASCII)
_FUNCTION = re.compile(r"\w{1,100}|<\w{1,20}>", re.ASCII)

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
    message: str
    errno: int | None
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class RefusalReport:
    """Why the profile refuses what the module returned, in this package's sentences."""

    stage: str
    number: str
    message: str
    hint: str


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
    """What prevented the worker from running a module: an exception's class, and its text."""

    kind: str
    message: str


@dataclass(frozen=True)
class SuccessReport:
    """Which outputs follow on the wire, and what the worker recorded."""

    outputs: tuple[bool, ...]
    findings: tuple[Finding, ...]
    unsaved: tuple[OpenFigure, ...]
    uploads: tuple[Upload, ...]


def read_begin(event: Mapping[str, Any]) -> Obstacle | None:
    """Check the event that announces that the module begins; return why it cannot, or None.

    Raises
    ------
    BadReport
        When it is another event.
    """
    if event == BEGUN:
        return None
    if event.get("event") != "not begun":
        raise BadReport("the worker sent another event before the module began")
    return Obstacle(_text(event, "kind"), _text(event, "message"))


Report = SuccessReport | FailureReport | RefusalReport


def read_report(event: Mapping[str, Any]) -> Report:
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
    if kind == "refusal":
        return _refusal(event)
    raise BadReport("an event of an unknown kind")


def _success(event: Mapping[str, Any]) -> SuccessReport:
    outputs = _list(event, "outputs", _bool)
    if len(outputs) != len(OUTPUTS):
        raise BadReport("a result has the wrong number of output ports")
    return SuccessReport(
        outputs=tuple(outputs),
        findings=tuple(_list(event, "findings", _finding)),
        unsaved=tuple(_list(event, "unsaved", _open_figure)),
        uploads=tuple(_list(event, "uploads", _upload)),
    )


def _failure(event: Mapping[str, Any]) -> FailureReport:
    errno = event.get("errno")
    return FailureReport(
        stage=_one_of(event, "stage", STAGES),
        kind=_class(_text(event, "kind")),
        message=_text(event, "message"),
        errno=None if errno is None else _whole(event, "errno"),
        entries=tuple(_list(event, "entries", _entry)),
    )


def _refusal(event: Mapping[str, Any]) -> RefusalReport:
    hint = _composed(event.get("hint"), Hint)
    if len(hint.parts) != 1:
        raise BadReport("more than one hint")
    return RefusalReport(
        stage=_one_of(event, "stage", REFUSING_STAGES),
        number=_one_of(event, "number", NUMBERS),
        message=_composed(event.get("message"), Refusal),
        hint=hint,
    )


def _finding(value: object) -> Finding:
    item = _mapping(value)
    kind = FINDINGS.get((_text(item, "code"), _text(item, "level"), _text(item, "rule")))
    if kind is None:
        raise BadReport("a finding of an unknown kind")
    line = item.get("line")
    message = _composed(item.get("message"), Detail, first=kind.message)
    return kind.at(
        message,
        line=None if line is None else _whole(item, "line"),
        port=_one_of(item, "port", ("", *OUTPUTS)),
    )


def _entry(value: object) -> Entry:
    item = _mapping(value)
    return Entry(
        file=_named(item, "file", _FILE),
        line=_whole(item, "line"),
        function=_named(item, "function", _FUNCTION),
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
        raise BadReport("an upload is stored under an unexpected name")
    return Upload(file=file, name=_text(item, "name"))


def _mapping(value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise BadReport("an object was expected")
    return value


def _text(item: Mapping[str, Any], key: str) -> str:
    value = item.get(key)
    if not isinstance(value, str):
        raise BadReport(f"{key} is not text")
    # JSON can contain unpaired surrogates, which cannot be shown or saved.
    value = plain(value[:TEXT]) + (" [...]" if len(value) > TEXT else "")
    return value.encode("utf-8", "replace").decode("utf-8")


def _composed(
    value: object, kind: type[Sentence], *, first: Sentence | None = None
) -> ComposedText:
    """Return a text that the worker composed of this package's sentences."""
    try:
        return sentences.read(value, kind, first=first)
    except ValueError as error:
        raise BadReport(str(error)) from None


def _named(item: Mapping[str, Any], key: str, pattern: re.Pattern[str]) -> str:
    """Return a name unchanged if it looks like one, otherwise in quotes."""
    value = _text(item, key)
    return value if pattern.fullmatch(value) else sentences.shortened(value)


def _class(name: str) -> str:
    """Return the name of an exception's class; a module's cannot pass for one of this package."""
    if not _CLASS.fullmatch(name):
        return sentences.shortened(name)
    own = name.rpartition(".")[2]
    ours = own.lower() in _OUR_EXCEPTIONS or name.startswith("azml_magic")
    return f"module.{own}" if ours else name


def _one_of(item: Mapping[str, Any], key: str, allowed: Sequence[str]) -> str:
    value = item.get(key)
    if not isinstance(value, str) or value not in allowed:
        raise BadReport(f"an unknown {key}")
    return value


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
