"""The verbs: what the magic and the command line do, from Python."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from os import PathLike
from typing import TYPE_CHECKING, Any

from azml_magic.contract.profile import Profile, rules_of
from azml_magic.errors import FindingsError, PortError, RunError
from azml_magic.module.bundle import Bundle, open_bundle
from azml_magic.module.module import Module, as_module
from azml_magic.protocol.options import DEFAULTS, Options
from azml_magic.protocol.settings import as_switch
from azml_magic.result import Finding, Result

if TYPE_CHECKING:
    import pandas as pd

    from azml_magic.executors.execution import Execution, Executor
    from azml_magic.sandbox.probe import Capabilities


def run(
    module: Module | Callable[..., Any] | str | PathLike[str],
    dataset1: pd.DataFrame | None = None,
    dataset2: pd.DataFrame | None = None,
    bundle: Bundle | str | PathLike[str] | None = None,
    *,
    profile: str = "classic",
    timeout: float | None = 600.0,
    memory: int | str = "2GB",
    dates: str = "epoch",
    text: str = "object",
    allow_network: bool = False,
    cpu_seconds: float | None = None,
    tasks: int = 128,
    disk: int | str = "4GB",
    files: int = 100_000,
    confinement: str = "strongest",
    strict: bool = False,
    debug: bool = False,
    known_names: Mapping[str, str] | None = None,
    on_start: Callable[[Execution], None] | None = None,
    on_output: Callable[[str, str], None] | None = None,
    on_tick: Callable[[float], None] | None = None,
) -> Result:
    """Run a module as Execute Python Script would, in a sandboxed process of its own.

    Parameters
    ----------
    module : Module, function, str or path
        Source text with an ``azureml_main``, a function, the path of a ``.py`` file or of
        a zip, or a :class:`Module`.
    dataset1, dataset2 : pandas.DataFrame, optional
        The frames of the two input ports; they are not changed.
    bundle : path or Bundle, optional
        The script bundle of the third port: a ``.zip`` or a folder.
    profile : {"classic", "designer"}
        Whose rules apply.
    timeout : float or None
        Time limit in seconds; ``None`` or 0 for none.
    memory : int or str
        Limit of memory of the run, in bytes or as ``"2GB"``.
    dates : {"epoch", "datetime"}
        How classic hands dates over: seconds since 1970 in UTC (rule 2.7), or as they are.
    text : {"object", "str"}
        How text is handed over: as Python objects, as the cloud does (rule 2.17), or in
        pandas' own text type, which is faster.
    allow_network : bool
        Let the module use the network.
    cpu_seconds : float or None
        Limit of the processor time of all processes of the run together.
    tasks : int
        Limit of processes and threads of the run together.
    disk : int or str
        Limit of what its folder may hold, and of one file in it.
    files : int
        Limit of how many files and folders that may be.
    confinement : {"strongest", "files-open"}
        ``"strongest"`` is the best that the machine can enforce, and refuses to run where
        files cannot be confined. ``"files-open"`` leaves files open: the module may read and
        change whatever you may. The result says which it was.
    strict : bool
        Raise on findings of level warning or error. Without it they are in the result;
        notes that reading gives are reported by :func:`check` only.
    known_names : mapping of str to str, optional
        Names of the notebook and where they are defined, for findings.
    on_start : callable, optional
        Called once with the execution of the run, whose ``cancel()`` ends it from any thread.
    on_output : callable, optional
        Called with ``"stdout"`` or ``"stderr"`` and whole lines, while the run goes on.
    on_tick : callable, optional
        Called with the seconds since the start, a few times a second.

    Returns
    -------
    Result
        Frames, figures, log and findings.

    Raises
    ------
    UsageError
        When the call itself is wrong; nothing was run.
    SandboxError
        When the run could not be confined; nothing was run.
    RunError
        When the run did not succeed; ``error.result`` keeps log, figures and findings.

    Examples
    --------
    >>> import pandas as pd
    >>> source = "def azureml_main(frame): return frame.describe(),"
    >>> run(source, pd.DataFrame({"a": [1.0, 2.0]})).output1.shape
    (8, 1)
    """
    from azml_magic.checks import settle, settle_error
    from azml_magic.executors.execution import Callbacks
    from azml_magic.executors.job import Job, prepare_inputs
    from azml_magic.runner.result_of_run import result_of

    options = Options.of(
        profile=profile,
        timeout=timeout,
        memory=memory,
        dates=dates,
        text=text,
        allow_network=allow_network,
        cpu_seconds=cpu_seconds,
        tasks=tasks,
        disk=disk,
        files=files,
        confinement=confinement,
        strict=strict,
    )
    executor = _executor(as_switch("debug", debug))
    prepared = as_module(module)
    options = prepared.own(options)
    rules = rules_of(options)
    opened, findings = _open(prepared, bundle, rules)
    datasets = _datasets(dataset1, dataset2)
    read = _check(prepared, rules, list(datasets), known_names, opened)
    if options.strict:
        _refuse([*findings, *read], prepared, rules)
    # A note is for those who ask: under each run it would be there every time.
    findings += [finding for finding in read if finding.level != "note"]
    try:
        inputs = prepare_inputs(datasets, rules)
        job = Job(prepared, rules, options, opened, inputs)
        execution = executor.start(job, Callbacks(on_start, on_output, on_tick))
        account = execution.wait()
        account = replace(account, findings=(*findings, *account.findings))
        result = result_of(account, prepared, rules)
    except RunError as error:
        settle_error(error, prepared)
        raise
    result = settle(result, prepared)
    if options.strict:
        _refuse(result.findings, prepared, rules, result)
    return result


def check(
    module: Module | Callable[..., Any] | str | PathLike[str],
    bundle: Bundle | str | PathLike[str] | None = None,
    *,
    profile: str = "classic",
    connected: Collection[str] | None = None,
    known_names: Mapping[str, str] | None = None,
) -> tuple[Finding, ...]:
    """Read a module without running it, and say what would break or differ in the cloud.

    Parameters
    ----------
    module, bundle, profile
        As for :func:`run`.
    connected : collection of str, optional
        The connected ports, when they are known.
    known_names : mapping of str to str, optional
        Names of the notebook and where they are defined.

    Returns
    -------
    tuple of Finding
        Sorted by line.

    Raises
    ------
    UsageError
        When there is no module to read.
    """
    prepared = as_module(module)
    rules = rules_of(prepared.own(Options.of(profile=profile)))
    opened, findings = _open(prepared, bundle, rules)
    return (*findings, *_check(prepared, rules, connected, known_names, opened))


def codes() -> list[tuple[str, str, str]]:
    """Return code, level and summary of every finding that :func:`check` can give."""
    from azml_magic.checks import describe_codes

    return describe_codes()


def machine() -> Capabilities:
    """Find out by trying what this machine can enforce on a run.

    Returns
    -------
    Capabilities
        Mechanisms, level and, where runs are refused, the reason.
    """
    from azml_magic.sandbox.probe import probe

    return probe()


def machine_report(found: Capabilities) -> str:
    """Return what was found of a machine and what follows from it, for a person."""
    from azml_magic.sandbox import doctor

    return doctor.report(found)


def caches() -> str:
    """Return where runs keep caches, in words.

    Raises
    ------
    SandboxError
        When nothing can be run.
    """
    from azml_magic.monitor import client

    found = client.caches_of(client.STRONGEST)
    if found.last:
        return found.folder
    return "a temporary folder for each session: no home or XDG_CACHE_HOME can be written to"


def warm_up() -> None:
    """Get ready for the first run in the background: its processes and its imports."""
    from azml_magic.monitor import client
    from azml_magic.runner import ahead

    client.warm_up(DEFAULTS.limits())
    ahead.import_soon()


def wake() -> None:
    """Get processes ready again that were given back because nothing ran for long."""
    from azml_magic.monitor import client

    if client.is_asleep():
        client.warm_up(DEFAULTS.limits())


def shut_down() -> None:
    """End the processes that wait for a run; the next run starts new ones."""
    from azml_magic.monitor import client

    client.shut_down()


def _open(module: Module, bundle: Any, rules: Profile) -> tuple[Bundle | None, list[Finding]]:
    opened, findings = open_bundle(bundle, rules)
    return opened or module.bundle, findings


def _check(
    module: Module,
    rules: Profile,
    connected: Collection[str] | None,
    known_names: Mapping[str, str] | None,
    bundle: Bundle | None,
) -> list[Finding]:
    from azml_magic.checks import check as check_module

    # Where the ports are known, the third is known too, also to be empty.
    files = [] if bundle is None else [path for path, _ in bundle.files]

    return check_module(
        module,
        rules,
        connected=None if connected is None else list(connected),
        known_names=known_names,
        bundle_modules=bundle.modules if bundle is not None else (),
        bundle_files=None if bundle is None and connected is None else files,
    )


def _executor(debug: bool) -> Executor:
    if debug:
        from azml_magic.executors.inline import InlineExecutor

        return InlineExecutor()
    from azml_magic.executors.local import LocalExecutor

    return LocalExecutor()


def _refuse(
    findings: Collection[Finding], module: Module, rules: Profile, result: Result | None = None
) -> None:
    serious = [finding for finding in findings if finding.level != "note"]
    if not serious:
        return
    first = serious[0]
    place = f" (line {first.line})" if first.line else ""
    more = f", and {len(serious) - 1} more" if len(serious) > 1 else ""
    raise FindingsError(
        f"{first.code}{place}: {first.message}{more}",
        first.fix or "fix it, or run without strict",
        result or Result(findings=tuple(findings), profile=rules.name, module=module.label),
    )


def _datasets(
    dataset1: pd.DataFrame | None, dataset2: pd.DataFrame | None
) -> dict[str, pd.DataFrame]:
    import pandas as pd

    ports = {"dataset1": dataset1, "dataset2": dataset2}
    connected = {port: frame for port, frame in ports.items() if frame is not None}
    for port, frame in connected.items():
        if not isinstance(frame, pd.DataFrame):
            hint = "use series.to_frame()" if isinstance(frame, pd.Series) else ""
            raise PortError(
                f"{port} holds a {type(frame).__name__}, not a DataFrame",
                hint or "give it a pandas DataFrame",
            )
    return connected
