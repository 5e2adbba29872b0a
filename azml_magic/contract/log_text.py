"""The log and the error text, as the cloud prints them (rules L1 to L10, L14)."""

from __future__ import annotations

from typing import TYPE_CHECKING, List, Optional, Sequence

from azml_magic.contract.profile import Profile

if TYPE_CHECKING:
    from typing import Protocol

    class Entry(Protocol):
        """One frame of a reported traceback."""

        @property
        def file(self) -> str:
            """``"module"``, a file of the bundle, or a library's file."""

        @property
        def line(self) -> int:
            """Line, counted from 1."""

        @property
        def function(self) -> str:
            """Name of the function."""

        @property
        def text(self) -> str:
            """The source line, or empty."""


NO_OUTPUT = "Interpreter produced no output."
# The frame that Microsoft publishes for Error 0085, with its exact dashes and blanks (rule L6).
_EVALUATION_FAILED = (
    "Error 0085: The following error occurred during script evaluation, "
    "please view the output log for more information:\n"
    "---------- Start of error message from Python interpreter ----------\n"
    "{}\n"
    "---------- End of error message from Python  interpreter ----------"
)
RAISED = "0085"
_OTHERS = {
    "0018": "Error 0018: The module's result is not a valid dataset. {}",
    "0102": "Error 0102: The script bundle cannot be unpacked. {}",
}
_STAGES = {
    "compile": "the script did not compile",
    "import": "the script failed at its top level",
    "find": "azureml_main could not be called",
    "call": "azureml_main raised an exception",
    "return": "what azureml_main returned was refused",
    "write": "what azureml_main returned could not be written",
}


def log_text(stdout: str, stderr: str, profile: Profile, error: str = "") -> str:
    """Return the log of a run.

    Parameters
    ----------
    stdout, stderr : str
        What the module printed.
    profile : Profile
        Classic's Python Device has sections (rule L1); designer's log has none.
    error : str, optional
        The error text of a run that failed.
    """
    if profile.device_sections:
        parts = [
            f"Standard Output\n{_closed(stdout or NO_OUTPUT)}",
            f"Standard Error\n{_closed(stderr or NO_OUTPUT)}",
        ]
        return "\n".join([*parts, _closed(error)] if error else parts)
    return "".join(_closed(text) for text in (stdout, stderr, error) if text)


def error_text(number: str, details: str, profile: Profile) -> str:
    """Return the error as the cloud's error box shows it.

    Parameters
    ----------
    number : str
        ``"0085"``, ``"0018"`` or ``"0102"``.
    details : str
        What :func:`failure_details` gave, or another text.
    profile : Profile
        Both profiles print the same frame (rule L4).
    """
    return _OTHERS.get(number, _EVALUATION_FAILED).format(details)


def failure_details(
    kind: str,
    message: str,
    entries: Sequence[Entry],
    stage: str,
    line: Optional[int],
    profile: Profile,
) -> str:
    """Return the text inside the frame of an error.

    Parameters
    ----------
    kind, message : str
        Class and text of the exception.
    entries : sequence
        Frames of the traceback, with ``file``, ``line``, ``function`` and ``text``.
    stage : str
        ``"compile"``, ``"import"``, ``"find"``, ``"call"``, ``"return"`` or ``"write"``.
    line : int or None
        Line in ``azureml_main`` at which the failure occurred.
    profile : Profile
        Classic prints the traceback, designer one line (rule L5).
    """
    what = _STAGES[stage]
    if stage in ("return", "write"):
        return f"{what[0].upper()}{what[1:]}: {message}"
    raised = f"{kind}: {message}" if message else kind
    if profile.traceback_in_error:
        return "\n".join([f"{what[0].upper()}{what[1:]}: {_traceback(entries, profile)}", raised])
    # Designer names the line inside azureml_main, not that of a deeper frame (rule L5).
    where = f", line {line} of azureml_main" if stage == "call" and line is not None else ""
    return f"{what[0].upper()}{what[1:]}{where}: '{raised}'"


def _traceback(entries: Sequence[Entry], profile: Profile) -> str:
    lines: List[str] = ["Traceback (most recent call last):"]
    for entry in entries:
        file = f"{profile.module_name}.py" if entry.file == "module" else entry.file
        lines.append(f'  File "{file}", line {entry.line}, in {entry.function}')
        if entry.text.strip():
            lines.append(f"    {entry.text.strip()}")
    return "\n".join(lines)


def _closed(text: str) -> str:
    return text if not text or text.endswith("\n") else f"{text}\n"
