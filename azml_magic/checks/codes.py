"""What every family of checks is made of: its codes, and what it is told besides the source."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from azml_magic.contract.profile import Profile
from azml_magic.result import Finding


@dataclass(frozen=True)
class Code:
    """A kind of finding.

    Attributes
    ----------
    code : str
        Stable code such as ``"AZ110"``.
    level : str
        ``"note"``, ``"warning"`` or ``"error"``, unless a finding says otherwise.
    summary : str
        What it tells, for the table of codes.
    """

    code: str
    level: str
    summary: str

    def at(
        self, line: int | None, message: str, fix: str = "", rule: str = "", level: str = ""
    ) -> Finding:
        """Return a finding of this kind at a line of the source, counted from 1."""
        return Finding(self.code, level or self.level, message, fix, rule, line)


@dataclass(frozen=True)
class Surroundings:
    """What a run of the module would have around it.

    Attributes
    ----------
    profile : Profile
        Whose rules apply.
    connected : sequence of str, or None
        The connected ports; ``None`` when they are not known.
    known_names : mapping of str to str
        Names of the notebook, and where each is defined (may be empty).
    bundle_modules : collection of str
        Top-level names that the script bundle makes importable.
    bundle_files : collection of str, or None
        Paths in the script bundle; ``None`` when it is not known.
    """

    profile: Profile
    connected: Sequence[str] | None
    known_names: Mapping[str, str]
    bundle_modules: Collection[str]
    bundle_files: Collection[str] | None = None
