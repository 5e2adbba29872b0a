"""A scoring process: the trusted process between the server and one confined worker.

It converts bodies to frames and frames to bodies. So the server's process neither loads pandas nor
waits for it, and several requests are read and written at the same time.
"""

from __future__ import annotations

import contextlib
import signal
import socket
import sys

from azml_magic.monitor import shared_monitors
from azml_magic.protocol.options import Options
from azml_magic.sandbox import kernel
from azml_magic.serving.scoring_messages import ScoringOrder, receive


def main() -> None:
    """Work for the server at the socket whose descriptor is ``argv[1]``."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # When the server ends, this process ends at once, and with it the monitor and the worker.
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    endpoint = socket.socket(fileno=int(sys.argv[1]))
    envelope = receive(endpoint)
    if envelope is None:
        return
    order: ScoringOrder = envelope.message
    if not order.allow_network:
        # The monitor starts while this process loads pandas.
        shared_monitors.warm_up(Options.of(timeout=None, memory=order.memory).limits())
    from azml_magic.serving.scoring_work import ScoringWork

    work = ScoringWork(endpoint, order)
    with contextlib.suppress(ConnectionError):  # the server was killed
        work.open()
        work.serve()


if __name__ == "__main__":
    main()
