"""A failure that reading foresaw, told once: as the error's hint, with its line."""

from __future__ import annotations

from azml_magic.errors import ContractError, RunError
from azml_magic.result import Failure, Finding

_RETURNS = frozenset(["AZ105", "AZ112"])
_FAILURES = (
    ("SyntaxError", "", "AZ101"),
    ("AttributeError", "'azureml_main'", "AZ102"),
    ("TypeError", "azureml_main()", "AZ103"),
)


def tell_once(error: RunError) -> None:
    """Let the finding that foresaw a failure become its hint, and leave it out of the others.

    Parameters
    ----------
    error : RunError
        Of a run whose findings, those of reading and its own, are in ``error.result``.
    """
    result = error.result
    if result is None or result.failure is None:
        return
    foreseen = [one for one in result.findings if one.code in _codes(error, result.failure)]
    if len(foreseen) != 1:
        return
    error.hint = _hint(error, foreseen[0])
    others = tuple(one for one in result.findings if one is not foreseen[0])
    error.result = result.replace(findings=others)


def _codes(error: RunError, failure: Failure) -> frozenset[str]:
    if isinstance(error, ContractError):
        is_kind = error.message.startswith("azureml_main returned")
        return _RETURNS if is_kind else frozenset()
    return frozenset(
        code for kind, part, code in _FAILURES if kind == failure.kind and part in failure.message
    )


def _hint(error: RunError, foreseen: Finding) -> str:
    # Of a return the run knows what came back, and reading knows the line.
    if isinstance(error, ContractError):
        return f"line {foreseen.line}: {error.hint}" if foreseen.line else error.hint
    return foreseen.fix
