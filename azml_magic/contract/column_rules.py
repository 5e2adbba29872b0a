"""A column on its way in or out: under which rules, what became of it, why it cannot pass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, Optional, Tuple

from azml_magic.contract.changes import Kind
from azml_magic.contract.profile import Profile
from azml_magic.sentences import Told


@dataclass(frozen=True)
class ColumnRules:
    """The rules that a column passes under.

    Attributes
    ----------
    profile : Profile
        The rule set.
    incoming : bool
        Whether the frame goes to the module, or comes from it.
    """

    profile: Profile
    incoming: bool

    @property
    def epoch(self) -> bool:
        """Whether dates are seconds, and no result (rules V8, C17)."""
        return self.profile.dates_as_epoch


class Carried(NamedTuple):
    """A column after its rules: the new values (``None``: as they are), and what changed."""

    values: Optional[Any] = None
    kinds: Tuple[Kind, ...] = ()


UNCHANGED = Carried()


class Unfit(Exception):
    """A column that the rules refuse.

    Parameters
    ----------
    holds : Told
        What it holds, to follow "column 'a' ".
    hint : Told
        What to do.
    row : int, optional
        Position of the first such row, counted from 0.
    number : str, optional
        Error number, when it is not the profile's usual one.
    """

    def __init__(
        self, holds: Told, hint: Told, row: Optional[int] = None, number: str = ""
    ) -> None:
        super().__init__(holds)
        self.holds = holds
        self.hint = hint
        self.row = row
        self.number = number
