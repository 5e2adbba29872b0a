"""The messages between the notebook, the monitor and the fork server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Tuple

from azml_magic.protocol.codec import learn
from azml_magic.protocol.limits import Access, Limits
from azml_magic.protocol.policy import Level, Policy


@dataclass(frozen=True)
class MonitorOrder:
    """The message that starts a monitor.

    Attributes
    ----------
    descriptor : int
        Descriptor of its socket to the notebook.
    owner : int
        Process id of the notebook; the monitor ends with it.
    access : Access
        The access rights of its runs.
    package_folders : tuple of str
        Additional folders of installed packages.
    """

    descriptor: int
    owner: int
    access: Access
    package_folders: Tuple[str, ...]


@dataclass(frozen=True)
class ForkServerOrder:
    """The message that starts a fork server.

    Attributes
    ----------
    descriptor : int
        Descriptor of its socket to the monitor.
    level : Level
        How its workers are confined.
    network : bool
        Whether they may use the network.
    package_folders : tuple of str
        Additional folders of installed packages.
    """

    descriptor: int
    level: Level
    network: bool
    package_folders: Tuple[str, ...]


# Notebook to monitor.


@dataclass(frozen=True)
class StartRun:
    """Start a run in a worker; its control socket, data socket and pipes are attached.

    What is asked of the run, and what is reported of it, goes over its control socket.
    """

    limits: Limits


@dataclass(frozen=True)
class PrepareWorker:
    """Make a worker ready for a run with these limits."""

    limits: Limits


TO_MONITOR = learn(StartRun, PrepareWorker)


# Notebook to monitor, over a run's control socket.


@dataclass(frozen=True)
class KillRun:
    """End a run, and report it with this reason."""

    reason: str


@dataclass(frozen=True)
class ReleaseRun:
    """The run is no longer needed; closing the control socket has the same effect.

    What goes on is killed, and the run folder deleted.
    """


TO_RUN = learn(KillRun, ReleaseRun)


# Monitor to notebook.


@dataclass(frozen=True)
class Caches:
    """Where a monitor keeps caches, and whether they outlive it."""

    folder: str = ""
    last: bool = True


@dataclass(frozen=True)
class MonitorReady:
    """Workers can be forked.

    Attributes
    ----------
    confinement : str
        How they are confined.
    serves_many : bool
        Whether runs of one fork server cannot reach each other, so that there may be many at a
        time.
    caches : Caches
        Where caches are kept.
    """

    confinement: str
    serves_many: bool
    caches: Caches


@dataclass(frozen=True)
class Refused:
    """The machine cannot confine runs as requested."""

    message: str


@dataclass(frozen=True)
class Broken:
    """The monitor or its fork server cannot continue, or cannot start this run."""

    message: str
    hint: str = ""


@dataclass(frozen=True)
class RunEnded:
    """All processes of a run have ended.

    Attributes
    ----------
    status : int
        Wait status of the worker.
    reason : str
        Why the monitor ended it (``"time"``, ``"cpu"``, ``"memory"``, ``"disk"``, ...), or the
        reason of a :class:`KillRun`; empty when the worker ended by itself.
    reached : float
        The value that exceeded a limit.
    failure : str
        Why the worker could not confine itself; empty if it could.
    folder : str
        The run folder.
    memory_peak : int
        Highest measured memory, in bytes.
    tasks_refused : int
        Number of processes and threads that were refused.
    """

    status: int = 0
    reason: str = ""
    reached: float = 0
    failure: str = ""
    folder: str = ""
    memory_peak: int = 0
    tasks_refused: int = 0


FROM_MONITOR = learn(MonitorReady, Refused, Broken)
FROM_RUN = learn(RunEnded, Broken)


# Monitor to fork server.


@dataclass(frozen=True)
class Fork:
    """Fork a worker; its sockets for orders and for its listener are attached.

    Attributes
    ----------
    number : int
        Identifies the worker.
    run : str
        The run folder, as the monitor sees it.
    folder : str
        The run folder, as the worker sees it.
    policy : Policy
        The policy under which the worker confines itself.
    """

    number: int
    run: str
    folder: str
    policy: Policy


@dataclass(frozen=True)
class ExpectFork:
    """Another worker will probably be requested soon."""


TO_FORK_SERVER = learn(Fork, ExpectFork)


# Fork server to monitor.


@dataclass(frozen=True)
class ForkServerReady:
    """All imports are done; a descriptor of the process is attached."""

    threads: int


@dataclass(frozen=True)
class Forked:
    """A worker was forked; descriptors of its process and its run's first process are attached."""

    number: int


@dataclass(frozen=True)
class NotForked:
    """A worker could not be forked."""

    number: int
    message: str


@dataclass(frozen=True)
class WorkerExited:
    """A worker has ended, with this wait status."""

    number: int
    status: int


FROM_FORK_SERVER = learn(ForkServerReady, Forked, NotForked, WorkerExited)
