"""The Python API for what the magic and the command line do."""

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
    """Run a module as Execute Python Script would, in a sandboxed process.

    Parameters
    ----------
    module : Module, function, str or path
        Source text with an ``azureml_main``, a function, the path of a ``.py`` file or a zip,
        or a :class:`Module`.
    dataset1, dataset2 : pandas.DataFrame, optional
        The frames of the two input ports; not modified.
    bundle : path or Bundle, optional
        The script bundle of the third port: a ``.zip`` or a folder.
    profile : {"classic", "designer"}
        The rules that apply.
    timeout : float or None
        Time limit in seconds; ``None`` or 0 for none.
    memory : int or str
        Memory limit of the run, in bytes or as ``"2GB"``.
    dates : {"epoch", "datetime"}
        How classic delivers dates: as seconds since 1970 in UTC (rule 2.7), or unchanged.
    text : {"object", "str"}
        How text is delivered: as Python strings, as in the cloud (rule 2.17), or in pandas' own
        text type, which is faster.
    allow_network : bool
        Whether the module may use the network.
    cpu_seconds : float or None
        Limit of the total processor time of all processes of the run, in seconds.
    tasks : int
        Limit of the number of processes and threads of the run.
    disk : int or str
        Limit of the size of the run's folder, and of any file in it.
    files : int
        Limit of the number of files and folders in it.
    confinement : {"strongest", "files-open"}
        ``"strongest"`` uses the strongest confinement that the machine can enforce, and refuses
        to run where files cannot be confined. ``"files-open"`` leaves files open: the module
        may read and change whatever you may. The result says which was in force.
    strict : bool
        Raise on findings of level warning or error; otherwise they are only in the result.
        Notes of static checks are reported by :func:`check` only.
    known_names : mapping of str to str, optional
        Names defined in the notebook and where, for findings.
    on_start : callable, optional
        Called once with the run's execution, whose ``cancel()`` ends it from any thread.
    on_output : callable, optional
        Called with ``"stdout"`` or ``"stderr"`` and complete lines during the run.
    on_tick : callable, optional
        Called with the seconds since the start, a few times per second.

    Returns
    -------
    Result
        The output frames, figures, log and findings.

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
    # Notes are for those who ask: below a run they would be repeated every time.
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
    """Check a module without running it for what would fail or differ in the cloud.

    Parameters
    ----------
    module, bundle, profile
        As for :func:`run`.
    connected : collection of str, optional
        The connected ports, if known.
    known_names : mapping of str to str, optional
        Names defined in the notebook, and where.

    Returns
    -------
    tuple of Finding
        The findings, sorted by line.

    Raises
    ------
    UsageError
        When there is no module to check.
    """
    prepared = as_module(module)
    rules = rules_of(prepared.own(Options.of(profile=profile)))
    opened, findings = _open(prepared, bundle, rules)
    return (*findings, *_check(prepared, rules, connected, known_names, opened))


def codes() -> list[tuple[str, str, str]]:
    """Return code, level and summary of every finding that :func:`check` can report."""
    from azml_magic.checks import describe_codes

    return describe_codes()


def machine() -> Capabilities:
    """Probe what this machine can enforce on a run.

    Returns
    -------
    Capabilities
        Mechanisms, level and, if runs are refused, the reason.
    """
    from azml_magic.sandbox.probe import probe

    return probe()


def machine_report(found: Capabilities) -> str:
    """Describe what was found about a machine and what follows from it, as text."""
    from azml_magic.sandbox import doctor

    return doctor.report(found)


def caches() -> str:
    """Describe where runs keep caches.

    Raises
    ------
    SandboxError
        When modules cannot be run.
    """
    from azml_magic.monitor import shared_monitors

    found = shared_monitors.caches_of(shared_monitors.STRONGEST)
    if found.last:
        return found.folder
    return "a temporary folder per session: no home folder or XDG_CACHE_HOME is writable"


def warm_up() -> None:
    """Prepare the processes and imports of the first run in the background."""
    from azml_magic.monitor import shared_monitors
    from azml_magic.runner import ahead

    shared_monitors.warm_up(DEFAULTS.limits())
    ahead.import_soon()


def wake() -> None:
    """Prepare processes again that were ended because nothing had run for a long time."""
    from azml_magic.monitor import shared_monitors

    if shared_monitors.is_asleep():
        shared_monitors.warm_up(DEFAULTS.limits())


def shut_down() -> None:
    """End the processes that are ready for a run; the next run starts new ones."""
    from azml_magic.monitor import shared_monitors

    shared_monitors.shut_down()


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

    # If the ports are known, so is the third: it may be known to be empty.
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
