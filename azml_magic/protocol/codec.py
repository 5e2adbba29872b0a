"""Frozen dataclasses to JSON and back, by the types of their fields.

For messages between processes that trust each other. Data that a module may have written is
parsed by hand, field by field, in :mod:`azml_magic.executors.worker_report`.
"""

from __future__ import annotations

import enum
import json
from dataclasses import is_dataclass
from functools import partial
from typing import Any, Callable, Dict, Optional, Type, TypeVar, get_type_hints

T = TypeVar("T")


Reader = Optional[Callable[[Any], Any]]

# Most values of a message are these; the rest is looked at one by one.
_ATOMS = frozenset((bool, int, float, str, type(None)))
_READERS: Dict[type, Dict[str, Reader]] = {}


def learn(*kinds: type) -> Dict[str, type]:
    """Resolve the types of the fields of dataclasses; return the dataclasses by name.

    Called where they are defined, as a worker hides the modules in which the names are resolved.
    """
    for kind in kinds:
        hints = get_type_hints(kind)
        _READERS[kind] = {name: _reader(hint) for name, hint in hints.items()}
        nested = [hint for hint in hints.values() if isinstance(hint, type)]
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
    return {
        name: item if type(item) in _ATOMS else _plain(item) for name, item in vars(value).items()
    }


def from_plain(kind: Type[T], plain: Dict[str, Any]) -> T:
    """Make a dataclass from the result of :func:`to_plain`."""
    if kind not in _READERS:
        learn(kind)
    readers = _READERS[kind]
    return kind(**{name: _value(readers[name], item) for name, item in plain.items()})


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return to_plain(value)
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def _reader(hint: Any) -> Reader:
    """Return what makes a value of a field's type; None for JSON's own, and for lists."""
    if isinstance(hint, type) and is_dataclass(hint):
        return partial(from_plain, hint)
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return hint
    return None


def _value(reader: Reader, plain: Any) -> Any:
    if reader is not None:
        return reader(plain)
    return tuple(plain) if isinstance(plain, list) else plain
