"""API keys: reading and comparing them."""

from __future__ import annotations

import hmac
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from azml_magic.errors import OptionError

_SHORTEST = 16
_VARIABLES = ("AZML_PRIMARY_KEY", "AZML_SECONDARY_KEY")


@dataclass(frozen=True)
class Keys:
    """A primary and a secondary key, so that one can be changed while the other works.

    Attributes
    ----------
    primary, secondary : str
        Empty for none. They are never printed.
    """

    primary: str = field(default="", repr=False)
    secondary: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if self.secondary and not self.primary:
            raise OptionError("there is a secondary key but no primary one", "set both, or one")
        for key in filter(None, (self.primary, self.secondary)):
            if len(key) < _SHORTEST or not key.isascii() or not key.isprintable() or " " in key:
                raise OptionError(
                    f"a key must have at least {_SHORTEST} ASCII characters, and no blanks",
                    'make one: python -c "import secrets; print(secrets.token_urlsafe(48))"',
                )

    def __bool__(self) -> bool:
        return bool(self.primary)

    def accept(self, authorization: str) -> bool:
        """Return whether an ``Authorization`` header carries one of the keys.

        ``Bearer`` may be in any case, as old clients write it in lower case.
        """
        if not self:
            return True
        scheme, _, given = authorization.partition(" ")
        sent = given.strip().encode("utf-8", "replace")
        known = [key.encode() for key in (self.primary, self.secondary) if key]
        # All are compared, whatever the result of the first comparison.
        matches = [hmac.compare_digest(sent, key) for key in known]
        return scheme.lower() == "bearer" and any(matches)


def read_keys(file: str | None, environment: Mapping[str, str] = os.environ) -> Keys:
    """Read the keys from a file or the environment; never from a command line, which others see.

    Parameters
    ----------
    file : str or None
        A file with the primary key on its first line and a secondary one on its second.
    environment : mapping
        Has ``AZML_PRIMARY_KEY`` and ``AZML_SECONDARY_KEY``, used if there is no file.

    Raises
    ------
    OptionError
        When the file cannot be read, or a key is too weak.
    """
    if file is None:
        return Keys(*(environment.get(name, "") for name in _VARIABLES))
    _check_private(Path(file))
    try:
        lines = Path(file).read_text(encoding="ascii").split()
    except (OSError, UnicodeDecodeError) as error:
        raise OptionError(f"the key file {file} cannot be read: {error}") from None
    if not 1 <= len(lines) <= 2:
        raise OptionError(f"the key file {file} has {len(lines)} lines", "give one or two keys")
    return Keys(*lines)


def without_keys(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for child processes."""
    return {name: value for name, value in environment.items() if name not in _VARIABLES}


def forget_keys() -> None:
    """Remove the keys from this process's environment, which its children inherit."""
    for name in _VARIABLES:
        os.environ.pop(name, None)


def _check_private(file: Path) -> None:
    try:
        about = file.stat()
    except OSError as error:
        raise OptionError(f"the key file {file} cannot be read: {error.strerror}") from None
    mode = about.st_mode
    if about.st_uid not in {0, os.geteuid()}:
        raise OptionError(
            f"the key file {file} belongs to another user, who can change it",
            "create your own, with mode 600",
        )
    if mode & (stat.S_IROTH | stat.S_IWOTH | stat.S_IWGRP):
        raise OptionError(
            f"the key file {file} can be read or changed by others (mode {mode & 0o777:o})",
            f"make it private: chmod 600 {file}",
        )
