"""Settings: frozen dataclasses whose values are checked and converted on creation.

A setting is described once, at its field: default, check, help, letter, choices. Magic lines,
``%config``, completion, the command line and the table in README.md are derived from that.
"""

from __future__ import annotations

import argparse
import math
import os
import re
from dataclasses import dataclass, field, fields
from typing import Any, Callable, Dict, Iterable, Mapping, Optional, Tuple, Type, TypeVar

from azml_magic.errors import OptionError, did_you_mean

_ABOUT = "about"
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?\s*", re.IGNORECASE)
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_GROUPED = re.compile(r"\s*[+-]?(\d+|\d{1,3}(,\d{3})+)\s*", re.ASCII)
_MOST_BYTES = 1000 << 40
_MOST_SECONDS = 1e9
_SWITCHES = {
    **dict.fromkeys(("true", "yes", "1"), True),
    **dict.fromkeys(("false", "no", "0", "none"), False),
}

Check = Callable[[str, Any], Any]
"""Function from a setting's name and a value to the converted value."""

S = TypeVar("S", bound="Settings")

_DESCRIBED: Dict[type, Mapping[str, About]] = {}


@dataclass(frozen=True)
class About:
    """Metadata of a setting.

    Attributes
    ----------
    help : str
        Help text of one line.
    check : callable
        Converts a value, or raises an OptionError.
    shown : str
        The default as a user writes it; empty for none.
    letter : str
        Letter of the short form in a magic line; empty for none.
    metavar : str
        Placeholder for the value in a help text; empty for a switch.
    choices : tuple of str
        The allowed values; empty if any value is possible.
    configurable : bool
        Whether it can be set for a whole notebook with ``%config``.
    """

    help: str
    check: Check
    shown: str = ""
    letter: str = ""
    metavar: str = ""
    choices: Tuple[str, ...] = ()
    configurable: bool = True

    @property
    def is_switch(self) -> bool:
        """Whether it is on or off."""
        return not self.metavar


class Settings:
    """Base of frozen dataclasses whose fields are settings."""

    def __post_init__(self) -> None:
        """Check and convert every value.

        Raises
        ------
        OptionError
            When a setting has an invalid value.
        """
        for name, about in described(type(self)).items():
            object.__setattr__(self, name, about.check(name, getattr(self, name)))

    @classmethod
    def of(cls: Type[S], **given: Any) -> S:
        """Make settings from values in the form that users write, such as ``memory="2GB"``.

        Raises
        ------
        OptionError
            When a setting does not exist, or has an invalid value.
        """
        known = [one.name for one in fields(cls)]  # type: ignore[arg-type]
        for name in given:
            if name not in known:
                raise OptionError(f"no option named {name!r}", did_you_mean(name, known))
        return cls(**given)


def described(kind: type) -> Mapping[str, About]:
    """Return the metadata of the settings of a dataclass, by name, in order."""
    if kind not in _DESCRIBED:
        found = fields(kind)
        _DESCRIBED[kind] = {
            one.name: one.metadata[_ABOUT] for one in found if _ABOUT in one.metadata
        }
    return _DESCRIBED[kind]


def add_arguments(
    parser: argparse.ArgumentParser,
    settings: Mapping[str, About],
    *,
    letters: bool = False,
    defaults: bool = True,
) -> None:
    """Add an option for each setting to a parser; values stay text, which the settings check.

    Parameters
    ----------
    parser : ArgumentParser
        The parser.
    settings : mapping of str to About
        The result of :func:`described`, or a part of it.
    letters : bool
        Whether to add short forms.
    defaults : bool
        Whether options have their defaults, shown in the help; otherwise None.
    """
    for name, about in settings.items():
        flags = [f"-{about.letter}"] if letters and about.letter else []
        flags.append("--" + name.replace("_", "-"))
        if about.is_switch:
            default = False if defaults else None
            parser.add_argument(*flags, action="store_true", default=default, help=about.help)
            continue
        text = f"{about.help} (default: {about.shown})" if about.shown else about.help
        parser.add_argument(
            *flags,
            metavar=about.metavar,
            default=(about.shown or None) if defaults else None,
            help=text,
        )


def given(settings: Iterable[str], values: argparse.Namespace) -> Dict[str, Any]:
    """Return the settings for which a parsed line has a value."""
    found = {name: getattr(values, name) for name in settings}
    return {name: value for name, value in found.items() if value is not None}


def choice(default: str, choices: Tuple[str, ...], help: str, **more: Any) -> Any:
    """Return a field for one of several words."""

    def check(name: str, value: Any) -> str:
        if not isinstance(value, str) or value not in choices:
            listed = " or ".join(repr(one) for one in choices)
            shown = _shown(value)
            raise OptionError(f"{name} is {listed}, not {shown}", did_you_mean(shown, choices))
        return value

    more = {"metavar": "NAME", **more}
    return _field(default, About(help, check, default, choices=choices, **more))


def switch(help: str, **more: Any) -> Any:
    """Return a field for a switch, which is off by default."""
    return _field(False, About(help, as_switch, **more))


def as_switch(name: str, value: Any) -> bool:
    """Return whether a switch is on.

    Raises
    ------
    OptionError
        When the value is neither True nor False.
    """
    found = _SWITCHES.get(_shown(value).strip("'").lower())
    if found is None:
        raise OptionError(f"{name} is True or False, not {_shown(value)}")
    return found


def seconds(
    default: Optional[float], help: str, *, none: bool = True, zero: bool = False, **more: Any
) -> Any:
    """Return a field for a time limit.

    Parameters
    ----------
    default : float or None
        Default in seconds.
    help : str
        Help text of one line.
    none : bool
        Whether None, 0 and infinity mean no limit.
    zero : bool
        Whether 0 is a valid limit.
    **more
        Further attributes of :class:`About`.
    """
    advice = "give seconds above 0, or 0 for none" if none else "give seconds above 0"

    def check(name: str, value: Any) -> Optional[float]:
        if none and value is None:
            return None
        try:
            number = math.nan if isinstance(value, bool) else float(value)
        except OverflowError:
            number = math.inf
        except (TypeError, ValueError):
            raise OptionError(
                f"{name}: {_shown(value)} is not a number of seconds", "write it as 60 or 0.5"
            ) from None
        if none and number in {0, math.inf}:
            return None
        if not (0 < number <= _MOST_SECONDS or (zero and number == 0)):
            raise OptionError(f"{name}: a time limit of {_shown(value)} s", advice)
        return number

    shown = "" if default is None else f"{default:g}"
    return _field(default, About(help, check, shown, metavar="SECONDS", **more))


def size(default: str, help: str, *, least: str = "1kB", advice: str = "", **more: Any) -> Any:
    """Return a field for a number of bytes, which may be written as ``"2GB"``."""

    def check(name: str, value: Any) -> int:
        number = bytes_of(value)
        if number is None:
            raise OptionError(f"{name}: {_shown(value)} is not a size", "write it as 512MB or 2GB")
        if number < (bytes_of(least) or 0):
            raise OptionError(
                f"{name}: {_shown(value)} is too small",
                advice or f"give {least} or more",
            )
        if number > _MOST_BYTES:
            raise OptionError(f"{name}: {_shown(value)} is too large", "give 1000TB or less")
        return number

    return _field(bytes_of(default), About(help, check, default, metavar="SIZE", **more))


def count(
    default: int, help: str, *, least: int = 1, most: int = (1 << 31) - 1, **more: Any
) -> Any:
    """Return a field for an integer."""

    def check(name: str, value: Any) -> int:
        number = _whole(value)
        if number is None:
            raise OptionError(f"{name}: {_shown(value)} is not a whole number")
        if not least <= number <= most:
            limits = f"give {least} or more" if number < least else f"give {most} or less"
            raise OptionError(f"{name} is {_shown(value)}", limits)
        return number

    return _field(default, About(help, check, str(default), metavar="NUMBER", **more))


def text(default: str, help: str, *, metavar: str, **more: Any) -> Any:
    """Return a field for any text."""

    def check(name: str, value: Any) -> str:
        if value is None:
            return default
        if not isinstance(value, (str, os.PathLike)):
            raise OptionError(f"{name} is text, not {_shown(value)}")
        return os.fspath(value)

    return _field(default, About(help, check, default, metavar=metavar, **more))


def bytes_of(value: Any) -> Optional[int]:
    """Convert a number of bytes, or text such as ``"2GB"``; return None for anything else."""
    if not isinstance(value, str):
        return _whole(value)
    found = _SIZE.fullmatch(value)
    if found is None:
        return None
    # A number that is too large for a float is too large anyway.
    return int(min(float(found[1]), float(_MOST_BYTES)) * _UNITS[found[2].lower()])


def _whole(value: Any) -> Optional[int]:
    """Convert an integer, a float without fraction, or text to an integer."""
    if isinstance(value, bool):
        return None
    try:
        if isinstance(value, str):
            return int(value.replace(",", "")) if _GROUPED.fullmatch(value) else None
        return int(value) if value == int(value) else None
    except (TypeError, ValueError, OverflowError):
        return None


def _shown(value: Any) -> str:
    """Format a value for a message, however large it is."""
    try:
        text = repr(value)
    except ValueError:  # an integer with more digits than Python formats
        return "a number with thousands of digits"
    return text if len(text) <= 60 else f"{text[:56]} ..."


def _field(default: Any, about: About) -> Any:
    return field(default=default, metadata={_ABOUT: about})
