"""Frozen dataclasses to JSON and back, by the types of their fields.

For messages between processes that trust each other. Data that a module may have written is
parsed by hand, field by field, in :mod:`azml_magic.executors.worker_report`.
"""

from __future__ import annotations

import enum
import json
from dataclasses import fields, is_dataclass
from typing import Any, Dict, Type, TypeVar, get_type_hints

T = TypeVar("T")


_HINTS: Dict[type, Dict[str, Any]] = {}


def learn(*kinds: type) -> Dict[str, type]:
    """Resolve the types of the fields of dataclasses; return the dataclasses by name.

    Called where they are defined, as a worker hides the modules in which the names are resolved.
    """
    for kind in kinds:
        _HINTS[kind] = get_type_hints(kind)
        nested = [hint for hint in _HINTS[kind].values() if isinstance(hint, type)]
        learn(*filter(is_dataclass, nested))
    return {kind.__name__: kind for kind in kinds}


def to_json(value: Any) -> str:
    """Serialize a dataclass to JSON."""
    return json.dumps(to_plain(value))


def from_json(kind: Type[T], text: Any) -> T:
    """Deserialize a dataclass from the result of :func:`to_json`."""
    return from_plain(kind, json.loads(text))


def to_plain(value: Any) -> Any:
    """Convert a dataclass to a dict of JSON values."""
    return {one.name: _plain(getattr(value, one.name)) for one in fields(value)}


def from_plain(kind: Type[T], plain: Dict[str, Any]) -> T:
    """Make a dataclass from the result of :func:`to_plain`."""
    if kind not in _HINTS:
        learn(kind)
    hints = _HINTS[kind]
    return kind(**{name: _value(hints[name], item) for name, item in plain.items()})


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return to_plain(value)
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def _value(hint: Any, plain: Any) -> Any:
    if is_dataclass(hint):
        return from_plain(hint, plain)  # type: ignore[arg-type]
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return hint(plain)
    if isinstance(plain, list):
        return tuple(plain)
    return plain
