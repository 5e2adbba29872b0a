"""Running a module, in whatever language, under the rules of a profile.

Nothing here depends on where the code comes from or where its results go.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Optional, Tuple

from azml_magic.contract.arguments import call_arguments
from azml_magic.contract.datasets import prepare_output
from azml_magic.contract.profile import Profile
from azml_magic.contract.returned_values import collect_outputs
from azml_magic.result import Finding
from azml_magic.sentences import OUTPUTS

Outputs = Tuple[List[Optional[Any]], List[Finding]]


@dataclass
class Progress:
    """The stage of a run, for reporting a failure.

    Attributes
    ----------
    stage : str
        ``"compile"``, ``"import"`` (the top level), ``"find"`` (the entry point),
        ``"call"``, ``"return"`` (what it returned) or ``"write"`` (values to datasets).
    """

    stage: str = "compile"


def call(
    function: Callable[..., Any],
    profile: Profile,
    datasets: Dict[str, Any],
    progress: Progress,
) -> Outputs:
    """Call the entry point with the connected ports, and apply the rules to what it returns.

    Parameters
    ----------
    function : callable
        The entry point.
    profile : Profile
        The rules.
    datasets : dict of str to pandas.DataFrame
        By port. It is emptied, so that frames the module does not return are freed early.
    progress : Progress
        Says at which stage the module failed.

    Returns
    -------
    tuple
        The frames of the two output ports (``None`` for none), and findings.

    Raises
    ------
    BaseException
        Anything that the module raises.
    """
    progress.stage = "find"
    arguments = call_arguments(function, datasets, profile)
    progress.stage = "call"
    returned = function(*arguments)
    del arguments
    datasets.clear()
    progress.stage = "return"
    frames, findings = collect_outputs(returned, profile)
    progress.stage = "write"
    outputs: List[Optional[Any]] = []
    for port, frame in zip(OUTPUTS, frames):
        if frame is not None:
            frame, changes = prepare_output(frame, port, profile)
            findings = [*findings, *changes]
        outputs.append(frame)
    return outputs, findings
