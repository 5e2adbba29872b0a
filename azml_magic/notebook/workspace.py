"""What the magics share: the notebook's shell, its defaults, its modules and their runs."""

from __future__ import annotations

from typing import Any

from IPython.core.magic import Magics
from traitlets import Bool, Enum, Float, Integer, Unicode

from azml_magic.module.module import Module
from azml_magic.notebook.named import NamedRun


class Workspace(Magics):
    """Base of the magics that run modules.

    Attributes
    ----------
    modules : dict of str to Module
        What cells were named by ``-n``.
    runs : dict of str to NamedRun
        Those of them that have run.
    """

    profile = Enum(["classic", "designer"], "classic", help="Rules of the run.").tag(config=True)
    timeout = Float(600.0, min=0, help="Time limit of a run, in seconds; 0 for none.").tag(
        config=True
    )
    memory = Unicode("2GB", help="Memory limit of a run.").tag(config=True)
    rows = Integer(10, min=0, help="Rows of an output frame to show.").tag(config=True)
    strict = Bool(False, help="Whether findings are errors.").tag(config=True)
    dates = Enum(
        ["epoch", "datetime"], "epoch", help="How classic hands dates over (rule 2.7)."
    ).tag(config=True)
    text = Enum(["object", "str"], "object", help="How text is handed over (rule 2.17).").tag(
        config=True
    )

    def __init__(self, shell: Any) -> None:
        super().__init__(shell)
        self.modules: dict[str, Module] = {}
        self.runs: dict[str, NamedRun] = {}
