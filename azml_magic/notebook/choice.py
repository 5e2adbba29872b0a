"""A choice made in the port picker, and the equivalent magic line."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from azml_magic.display.sanitize import escape
from azml_magic.module.module import Module
from azml_magic.notebook import variables

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Choice:
    """A module, the frames of its ports, and options; empty texts for nothing."""

    module: str = ""
    dataset1: str = ""
    dataset2: str = ""
    bundle: str = ""
    output: str = ""
    profile: str = ""
    strict: bool = False

    def options(self) -> str:
        """Return the options of the magic that are equivalent to this choice."""
        pairs = [
            ("-i", f"dataset1={self.dataset1}" if self.dataset1 else ""),
            ("-i", f"dataset2={self.dataset2}" if self.dataset2 else ""),
            ("-z", self.bundle),
            ("-o", self.output),
            ("-p", self.profile),
        ]
        words = [f"{option} {shlex.quote(value)}" for option, value in pairs if value]
        return " ".join(words + (["-s"] if self.strict else []))

    def arguments(self) -> str:
        """Return the arguments of ``%azureml_module`` that run this choice."""
        return " ".join(part for part in (f"-f {self.module}", self.options()) if part)

    def line(self) -> str:
        """Return the complete line that runs this choice."""
        return f"%azureml_module {self.arguments()}"

    def cell(self, modules: Mapping[str, Module]) -> str:
        """Return the cell that runs this choice, with the body of a module that was a cell."""
        module = modules.get(self.module)
        if module is None:
            return self.line()
        options = " ".join(part for part in (self.options(), f"-n {self.module}") if part)
        return f"%%azureml_module {options}\n{module.source}"


def table_text(frames: Mapping[str, pd.DataFrame], modules: list[str], choice: Choice) -> str:
    """Return the available frames and modules and the line to type, where widgets are not shown."""
    width = max((len(name) for name in frames), default=0)
    named = ", ".join(modules) or "none yet; define azureml_main, or name a cell with -n"
    listed = [f"  {name:<{width}}  {variables.shape_text(frame)}" for name, frame in frames.items()]
    return "\n".join(
        [
            "Frames:",
            *(listed or ["  none yet"]),
            f"Modules: {named}",
            f"Type:    {choice.line() if choice.module else '%azureml_module -f azureml_main'}",
        ]
    )


def table_html(frames: Mapping[str, pd.DataFrame], modules: list[str], choice: Choice) -> str:
    """Return the same as HTML."""
    text = table_text(frames, modules, choice)
    return f'<pre tabindex="0" aria-label="Ports of the module">{escape(text)}</pre>'
