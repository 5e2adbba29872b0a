"""Conversion of one column: the rules, the outcome, and the reason for a refusal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, Optional, Tuple

from azml_magic.contract.changes import Kind
from azml_magic.contract.profile import Profile
from azml_magic.sentences import ComposedText


@dataclass(frozen=True)
class ColumnRules:
    """The rules for the columns of one frame.

    Attributes
    ----------
    profile : Profile
        The rule set.
    incoming : bool
        Whether the frame goes to the module or comes from it.
    """

    profile: Profile
    incoming: bool

    @property
    def epoch(self) -> bool:
        """Whether dates become seconds, and are refused in results (rules V8, C17)."""
        return self.profile.dates_as_epoch


class Carried(NamedTuple):
    """A converted column: the new values (``None`` if unchanged), and the kinds of change."""

    values: Optional[Any] = None
    kinds: Tuple[Kind, ...] = ()


UNCHANGED = Carried()


class Unfit(Exception):
    """The rules refuse a column.

    Parameters
    ----------
    holds : ComposedText
        The problem, to follow "column 'a' ".
    hint : ComposedText
        The remedy.
    row : int, optional
        Position of the first such row, counted from 0.
    number : str, optional
        Error number, if not the profile's usual one.
    """

    def __init__(
        self, holds: ComposedText, hint: ComposedText, row: Optional[int] = None, number: str = ""
    ) -> None:
        super().__init__(holds)
        self.holds = holds
        self.hint = hint
        self.row = row
        self.number = number
