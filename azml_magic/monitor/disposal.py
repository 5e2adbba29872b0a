"""Deletion of run folders in the background: a full one takes seconds, and may fail at first."""

from __future__ import annotations

import contextlib
import queue
import threading
from pathlib import Path

from azml_magic.sandbox import folders

_ATTEMPTS = 3
_PAUSE_SECONDS = 0.2


class Disposal:
    """A thread that deletes folders, in the order in which they are given.

    What cannot be deleted stays, without an error: the folder that contains it is deleted when
    the monitor ends, or by the next monitor that finds it abandoned.
    """

    def __init__(self) -> None:
        self._waiting: queue.SimpleQueue[Path | None] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def delete(self, folder: Path) -> None:
        """Delete a folder soon; it must no longer be in use."""
        self._waiting.put(folder)

    def close(self) -> None:
        """Wait until deleting all of the given folders has been attempted."""
        self._stopping.set()
        self._waiting.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (folder := self._waiting.get()) is not None:
            for _ in range(_ATTEMPTS):
                with contextlib.suppress(OSError):
                    folders.remove_tree(str(folder))
                    break
                self._stopping.wait(_PAUSE_SECONDS)
