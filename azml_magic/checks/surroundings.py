"""The context of a check besides the source."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from azml_magic.checks.runtimes import distribution
from azml_magic.contract.profile import Profile
from azml_magic.protocol.interpreter import Interpreter


@dataclass(frozen=True)
class Surroundings:
    """The environment in which a module would run.

    Attributes
    ----------
    profile : Profile
        The rules that apply.
    connected : sequence of str, or None
        The connected ports; ``None`` if not known.
    known_names : mapping of str to str
        Names defined in the notebook, and where (may be empty).
    bundle_modules : collection of str
        Top-level names that can be imported from the script bundle.
    bundle_files : collection of str, or None
        Paths in the script bundle; ``None`` if not known.
    interpreter : Interpreter
        The Python interpreter that runs the module.
    """

    profile: Profile
    connected: Sequence[str] | None
    known_names: Mapping[str, str]
    bundle_modules: Collection[str]
    bundle_files: Collection[str] | None = None
    interpreter: Interpreter = field(default_factory=Interpreter.here)

    def version_of(self, package: str) -> str:
        """Return the version of an imported package in a run; empty if it is not installed."""
        return self.interpreter.version_of(distribution(package))
