"""The state shared by the magics: the shell, defaults, named modules and their runs."""

from __future__ import annotations

import argparse
from dataclasses import fields
from typing import Any

from IPython.core.magic import Magics
from traitlets import Bool, Enum, Integer, TraitError, TraitType

from azml_magic.errors import OptionError
from azml_magic.module.module import Module
from azml_magic.notebook.named import NamedRun
from azml_magic.protocol.options import Options
from azml_magic.protocol.settings import About, described, given

_OPTIONS = described(Options)
_DEFAULTS = {one.name: one.default for one in fields(Options)}


class Value(TraitType[Any, Any]):
    """A setting that is validated, but stored as it was given."""

    def __init__(self, name: str, about: About, default: Any, **more: Any) -> None:
        super().__init__(default, **more)
        self._setting = name
        self._about = about

    def validate(self, obj: Any, value: Any) -> Any:
        """Return the value, or raise an error that says why it is invalid."""
        try:
            self._about.check(self._setting, value)
        except OptionError as error:
            raise TraitError("; ".join(filter(None, (error.message, error.hint)))) from None
        return value


def _trait(name: str, about: About) -> Any:
    default = _DEFAULTS[name]
    help = about.help[0].upper() + about.help[1:] + "."
    if about.choices:
        return Enum(list(about.choices), default, help=help)
    if about.is_switch:
        return Bool(default, help=help)
    # A size is shown as a user writes it.
    return Value(name, about, about.shown if about.metavar == "SIZE" else default, help=help)


class _Base(Magics):
    """The options of a run that can be set for a whole notebook with ``%config``."""

    locals().update(
        {
            name: _trait(name, about).tag(config=True)
            for name, about in _OPTIONS.items()
            if about.configurable
        }
    )


class Workspace(_Base):
    """Base class of the magics that run modules.

    Attributes
    ----------
    modules : dict of str to Module
        Modules of cells named with ``-n``.
    runs : dict of str to NamedRun
        Those that have been run.
    """

    rows = Integer(10, min=0, help="Rows of an output frame to show.").tag(config=True)

    def __init__(self, shell: Any) -> None:
        super().__init__(shell)
        self.modules: dict[str, Module] = {}
        self.runs: dict[str, NamedRun] = {}

    def options(self, chosen: argparse.Namespace) -> Options:
        """Return the options of a run: those of its line, with the notebook's as defaults.

        Raises
        ------
        OptionError
            When an option has an invalid value.
        """
        own = {name: getattr(self, name) for name, about in _OPTIONS.items() if about.configurable}
        return Options.of(**{**own, **given(_OPTIONS, chosen)})
