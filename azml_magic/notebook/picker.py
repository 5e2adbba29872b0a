"""The port picker: core widgets, and a run in a thread, so that the notebook stays usable.

The result is shown in a separate display below the widget, so that it is saved with the notebook
and outlives the widget.
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
from IPython.display import display

from azml_magic.display.html import failure_html
from azml_magic.display.markup import status
from azml_magic.display.sanitize import escape, one_line
from azml_magic.display.text import error_text
from azml_magic.display.wording import duration
from azml_magic.errors import AzmlError
from azml_magic.notebook import magic_options, running, variables
from azml_magic.notebook.choice import Choice
from azml_magic.notebook.output import figures_html, whole_mimebundle
from azml_magic.protocol.options import PROFILES

if TYPE_CHECKING:
    import pandas as pd

    from azml_magic.executors.execution import Execution
    from azml_magic.notebook.workspace import Workspace

NOT_CONNECTED = "— not connected —"
NO_MODULE = "— none yet: define azureml_main, or name a cell with -n —"
HERE = "The result of a run appears here."
RESTARTED = (
    "After a restart of the kernel or a reload of the page, run this cell again to use its buttons."
)
_LAYOUT = widgets.Layout(width="34em", max_width="100%")
_STYLE = {"description_width": "9em"}


class Picker:
    """A visible picker.

    Parameters
    ----------
    workspace : Workspace
        The workspace of the notebook.
    first : Choice
        The initial choice.
    on_choice : callable
        Called with each new choice.
    on_end : callable
        Called after each run.
    """

    def __init__(
        self,
        workspace: Workspace,
        first: Choice,
        on_choice: Callable[[Choice], None],
        on_end: Callable[[], None],
    ) -> None:
        self._workspace = workspace
        self._on_choice = on_choice
        self._on_end = on_end
        self._cancelled = threading.Event()
        self._execution: Execution | None = None
        self._thread: threading.Thread | None = None
        self._printed = ""
        self._slot: Any = None
        module = [(first.module, first.module)] if first.module else [(NO_MODULE, "")]
        self.module = _field(widgets.Dropdown, "Module", options=module)
        self.dataset1 = _field(widgets.Dropdown, "dataset1", options=[(NOT_CONNECTED, "")])
        self.dataset2 = _field(widgets.Dropdown, "dataset2", options=[(NOT_CONNECTED, "")])
        self.bundle = _field(
            widgets.Text, "Script bundle", placeholder="path of a .zip or a folder"
        )
        self.output = _field(widgets.Text, "Output variable", placeholder="name, or name,name")
        self.profile = _field(widgets.Dropdown, "Profile", options=list(PROFILES))
        self.strict = widgets.Checkbox(
            description="Strict: findings are errors", indent=False, value=workspace.strict
        )
        self.profile.value = workspace.profile
        self.run = widgets.Button(description="Run module", icon="play")
        self.cancel = widgets.Button(description="Cancel", icon="stop", disabled=True)
        wide = widgets.Layout(width="auto", max_width="100%")
        self.status, self.line = widgets.HTML(layout=wide), widgets.HTML(layout=wide)
        self._fields = (
            self.module,
            self.dataset1,
            self.dataset2,
            self.bundle,
            self.output,
            self.profile,
            self.strict,
        )
        buttons = widgets.HBox([self.run, self.cancel])
        self.box = widgets.VBox([*self._fields, buttons, self.status, self.line])
        for field in self._fields:
            field.observe(self._changed, "value")
        self.run.on_click(self._start)
        self.cancel.on_click(self._cancel)
        self._say_line()

    def show(self, fallback: dict[str, str]) -> None:
        """Display the widget, and below it the placeholder of the result."""
        display({**self.box._repr_mimebundle_(), **fallback}, raw=True)
        text = f"{HERE} {RESTARTED}"
        html = f"<p><small>{escape(text)}</small></p>"
        self._slot = display({"text/html": html, "text/plain": text}, raw=True, display_id=True)

    def close(self) -> None:
        """Remove the widget's models from the kernel."""
        self._end_run()
        for widget in (*self._fields, self.run, self.cancel, self.status, self.line, self.box):
            widget.close()

    def offer(self, frames: dict[str, pd.DataFrame], modules: list[str]) -> None:
        """Update what can be chosen; a choice that still exists is kept."""
        shown = [
            (f"{name} ({variables.shape_text(frame)})", name) for name, frame in frames.items()
        ]
        _offer(self.dataset1, [(NOT_CONNECTED, ""), *shown])
        _offer(self.dataset2, [(NOT_CONNECTED, ""), *shown])
        _offer(self.module, [(name, name) for name in modules] or [(NO_MODULE, "")])

    def choice(self) -> Choice:
        """Return the current choice."""
        profile = self.profile.value
        return Choice(
            module=self.module.value or "",
            dataset1=self.dataset1.value or "",
            dataset2=self.dataset2.value or "",
            bundle=self.bundle.value.strip(),
            output=self.output.value.strip(),
            profile="" if profile == self._workspace.profile else profile,
            strict=self.strict.value and not self._workspace.strict,
        )

    def _changed(self, change: Any) -> None:
        self._on_choice(self.choice())
        self._say_line()

    def _say_line(self) -> None:
        choice = self.choice()
        self.run.disabled = not choice.module or self._running()
        text = escape(choice.line()) if choice.module else "choose a module first"
        self.line.value = (
            f'<pre class="azml-line" tabindex="0" aria-label="The same as a line">{text}</pre>'
        )

    def _running(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def _start(self, button: Any) -> None:
        if self._running():
            return
        self._cancelled.clear()
        self._printed = ""
        self.run.disabled, self.cancel.disabled = True, False
        self._say("Starting the module ...")
        # In the context of the click, so that output is associated with it.
        run = contextvars.copy_context().run
        self._thread = threading.Thread(target=run, args=(self._run, self.choice()), daemon=True)
        self._thread.start()

    def _cancel(self, button: Any) -> None:
        self.cancel.disabled = True
        self._say("Cancelling ...")
        self._end_run()

    def _run(self, choice: Choice) -> None:
        try:
            chosen = magic_options.parse(choice.arguments(), self._workspace.shell.user_ns)
            module = running.module_named(self._workspace, choice.module)
            result = running.run(
                self._workspace,
                chosen,
                module,
                on_start=self._on_start,
                on_output=self._on_output,
                on_tick=self._on_tick,
            )
            shown = whole_mimebundle(result, running.rows(self._workspace, chosen))
            self._show(shown["text/html"], shown["text/plain"], choice)
            took = duration(result.seconds)
            self._say(f"Module ran in {took}; its result is below.", ok=True)
        except AzmlError as error:
            left = getattr(error, "result", None)
            figures = figures_html(left) if left is not None else []
            self._show("\n".join([failure_html(error), *figures]), error_text(error), choice)
            self._say(escape(one_line(error.message, 200)), ok=False)
        except Exception as error:
            self._say(escape(one_line(f"{type(error).__name__}: {error}", 200)), ok=False)
            raise
        finally:
            self._thread = self._execution = None
            self.cancel.disabled = True
            self.run.disabled = not choice.module
            self._on_end()

    def _end_run(self) -> None:
        # A run that has not started yet is ended as soon as it starts.
        self._cancelled.set()
        execution = self._execution
        if execution is not None:
            execution.cancel()

    def _on_start(self, execution: Execution) -> None:
        self._execution = execution
        if self._cancelled.is_set():
            execution.cancel()

    def _on_output(self, stream: str, text: str) -> None:
        self._printed = text.rstrip("\n").rsplit("\n", 1)[-1]

    def _on_tick(self, seconds: float) -> None:
        last = f": {escape(one_line(self._printed, 80))}" if self._printed else ""
        self._say(f"The module has been running for {int(seconds)} s{last}", running=True)

    def _say(self, html: str, *, ok: bool | None = None, running: bool = False) -> None:
        bar = '<progress aria-label="module is running"></progress> ' if running else ""
        text = f'<div role="status">{bar}{html}</div>' if ok is None else status(ok, html)
        if self.status.value != text:
            self.status.value = text

    def _show(self, html: str, text: str, choice: Choice) -> None:
        line = escape(choice.line())
        below = f"<p><small>The same as <code>{line}</code>. {escape(RESTARTED)}</small></p>"
        self._slot.update(
            {"text/html": f"{html}\n{below}", "text/plain": f"{text}\n{choice.line()}"}, raw=True
        )


def _field(kind: Any, description: str, **settings: Any) -> Any:
    return kind(description=description, style=_STYLE, layout=_LAYOUT, **settings)


def _offer(field: Any, offered: list[tuple[str, str]]) -> None:
    if list(field.options) == offered:
        return
    value = field.value
    field.options = offered
    if value in [name for _, name in offered]:
        field.value = value
