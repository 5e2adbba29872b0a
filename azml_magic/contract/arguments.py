"""The arguments of ``azureml_main`` for the connected ports (rules A1 to A12)."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Callable, List, Mapping

from azml_magic.contract.profile import PORTS, Profile

if TYPE_CHECKING:
    import pandas as pd

_POSITIONAL = (
    inspect.Parameter.POSITIONAL_ONLY,
    inspect.Parameter.POSITIONAL_OR_KEYWORD,
    inspect.Parameter.VAR_POSITIONAL,
)


def call_arguments(
    function: Callable[..., Any], datasets: Mapping[str, pd.DataFrame], profile: Profile
) -> List[Any]:
    """Return the positional arguments that ``azureml_main`` is called with.

    Parameters
    ----------
    function : callable
        The entry point. Whether it accepts these arguments shows when it is called.
    datasets : mapping of str to pandas.DataFrame
        The connected ports.
    profile : Profile
        Says whether only connected ports count (classic), or declared parameters (designer).
    """
    if profile.connected_only:
        return [datasets[port] for port in PORTS if port in datasets]
    return [datasets.get(port) for port in PORTS[: _declared(function)]]


def _declared(function: Callable[..., Any]) -> int:
    """Count the positional parameters; ``*frames`` is one (rules A1, A8)."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # some functions written in C have no signature
        return len(PORTS)
    positional = sum(parameter.kind in _POSITIONAL for parameter in parameters)
    # With keyword-only parameters the call must fail, with Python's own message (rule A9).
    return positional or min(1, len(parameters))
