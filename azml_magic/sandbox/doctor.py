"""A report on what a machine enforces on a run: promises, mechanisms, and what is missing."""

from __future__ import annotations

from azml_magic.protocol.policy import Level
from azml_magic.sandbox.probe import Capabilities

_SIGNAL_SCOPE, _TRUNCATION = 6, 3


def report(found: Capabilities) -> str:
    """Return a report on what was found, what follows from it, and what to do."""
    lines = [*_facts(found), ""]
    if found.level is Level.REFUSED:
        reason, *advice = found.refusal.split("; ")
        lines += [f"Runs are refused: {reason}", "", "What to do"]
        return "\n".join([*lines, *(f"  {text}" for text in advice)])
    lines.append(f"Runs are confined by {found.describe()} (level {found.level:d})")
    lines += ["", "Enforced"]
    lines += [f"  {promise:<17}{mechanism}" for promise, mechanism in _promises(found)]
    lines += ["", "Missing"]
    lines += [f"  {text}" for text in _missing(found)] or ["  nothing"]
    return "\n".join(lines)


def _facts(found: Capabilities) -> list[str]:
    yes = {True: "yes", False: "no"}
    if found.no_folder:
        return [
            f"System:              {found.platform} {found.kernel} ({found.machine})",
            "All else:            not tried, there is no folder to try it in",
        ]
    landlock = f"ABI {found.landlock_abi}" if found.landlock_abi else "no"
    namespaces = "yes" if found.namespaces else f"no ({found.namespaces_failure})"
    return [
        f"System:              {found.platform} {found.kernel} ({found.machine})",
        f"Landlock:            {landlock}",
        f"Namespaces:          {namespaces}",
        f"System call filter:  {yes[found.seccomp]}",
        f"Monitor of tasks:    {yes[found.listener]}",
    ]


def _promises(found: Capabilities) -> list[tuple[str, str]]:
    landlock, namespaces = found.level.landlock, found.level.namespaces
    files = _joined(landlock and "Landlock", namespaces and "a root that holds nothing else")
    return [
        ("files", f"only the run folder and the libraries, by {files}"),
        ("file names", "hidden, by the same" if namespaces else "seen if guessed, see below"),
        ("network", f"none, by {_joined('seccomp', namespaces and 'an empty network namespace')}"),
        ("processes", f"only its own, by {_processes(found)}"),
        ("privileges", "none: no capabilities, no new privileges, seccomp"),
        ("memory and time", "the monitor for the run, the kernel for each process"),
        ("tasks", "the monitor, asked by the kernel at each new process and thread"),
        ("disk", "the monitor for the run folder, the kernel for each file"),
        ("leftovers", f"none, by {_joined('the monitor', namespaces and 'a process namespace')}"),
    ]


def _processes(found: Capabilities) -> str:
    if found.level.namespaces:
        return "seccomp and a process namespace"
    return "seccomp and Landlock" if found.landlock_abi >= _SIGNAL_SCOPE else "seccomp"


def _missing(found: Capabilities) -> list[str]:
    lines = []
    if not found.namespaces:
        lines.append(
            "namespaces: a run that guesses the path of a file can tell whether it exists, "
            "but not read it; allow unprivileged user namespaces to hide it"
        )
    if not found.landlock_abi:
        lines.append(
            "Landlock: files are confined by namespaces alone; "
            "use Linux 5.13 or later, or add 'landlock' to lsm= on the kernel's command line"
        )
    elif found.landlock_abi < _TRUNCATION and not found.namespaces:
        lines.append(
            f"Landlock ABI 3 (here {found.landlock_abi}): a module cannot call os.truncate() with "
            "a path, but can truncate open files; use Linux 6.2 or later"
        )
    if found.landlock_abi == 1:
        lines.append(
            "Landlock ABI 2: a module cannot rename a file from one folder to another; "
            "use Linux 5.19 or later"
        )
    return lines


def _joined(*parts: str | bool) -> str:
    return " and ".join(part for part in parts if isinstance(part, str))
