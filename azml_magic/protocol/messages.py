"""What the notebook, the monitor and the fork server say to each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Tuple

from azml_magic.protocol.codec import learn
from azml_magic.protocol.limits import Access, Limits
from azml_magic.protocol.policy import Level, Policy


@dataclass(frozen=True)
class MonitorOrder:
    """What a monitor is started with.

    Attributes
    ----------
    descriptor : int
        Of its socket to the notebook.
    owner : int
        Process number of the notebook, with which it ends.
    access : Access
        What its runs may reach.
    package_folders : tuple of str
        Further folders of installed packages.
    """

    descriptor: int
    owner: int
    access: Access
    package_folders: Tuple[str, ...]


@dataclass(frozen=True)
class ForkServerOrder:
    """What a fork server is started with.

    Attributes
    ----------
    descriptor : int
        Of its socket to the monitor.
    level : Level
        By which means its workers are confined.
    network : bool
        Whether they may use the network.
    package_folders : tuple of str
        Further folders of installed packages.
    """

    descriptor: int
    level: Level
    network: bool
    package_folders: Tuple[str, ...]


# Notebook to monitor.


@dataclass(frozen=True)
class StartRun:
    """Have a worker run; the run's control socket, data socket and pipes come with this.

    What is asked of the run, and what is reported of it, goes over its control socket.
    """

    limits: Limits


@dataclass(frozen=True)
class PrepareWorker:
    """Have a worker ready for a run with these limits."""

    limits: Limits


TO_MONITOR = learn(StartRun, PrepareWorker)


# Notebook to monitor, over a run's control socket.


@dataclass(frozen=True)
class KillRun:
    """End the run; it is reported with this reason."""

    reason: str


@dataclass(frozen=True)
class ReleaseRun:
    """Nothing of the run is needed any more; the end of the control socket says the same.

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
    """The machine cannot confine a run as it was asked for."""

    message: str


@dataclass(frozen=True)
class Broken:
    """The monitor, or its fork server, cannot go on, or cannot start this run."""

    message: str
    hint: str = ""


@dataclass(frozen=True)
class RunEnded:
    """Every process of a run has ended.

    Attributes
    ----------
    status : int
        Wait status of the worker.
    reason : str
        Why the monitor ended it (``"time"``, ``"cpu"``, ``"memory"``, ``"disk"``, ...), or the
        reason of a :class:`KillRun`; empty when the worker ended by itself.
    reached : float
        The figure that passed a limit.
    failure : str
        Why the worker could not confine itself; empty for one that could.
    folder : str
        The run folder.
    memory_peak : int
        In bytes, as far as it was measured.
    tasks_refused : int
        Processes and threads that were not allowed.
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
    """Fork a worker; its socket for orders and that for its listener come with this.

    Attributes
    ----------
    number : int
        Tells it from others.
    run : str
        The run folder, as the monitor sees it.
    folder : str
        The same as the worker sees it.
    policy : Policy
        What the worker confines itself to.
    """

    number: int
    run: str
    folder: str
    policy: Policy


@dataclass(frozen=True)
class ExpectFork:
    """Another worker will likely be asked for soon."""


TO_FORK_SERVER = learn(Fork, ExpectFork)


# Fork server to monitor.


@dataclass(frozen=True)
class ForkServerReady:
    """All is imported; a descriptor of its process comes with this."""

    threads: int


@dataclass(frozen=True)
class Forked:
    """A worker was forked; descriptors of its process, and of its run's first, come with this."""

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
