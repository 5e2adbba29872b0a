"""The output of a module: whole lines are passed on as they arrive, head and tail are kept."""

from __future__ import annotations

import codecs
from collections.abc import Callable

KEPT_BYTES = 1 << 19
LIVE_BYTES = 1 << 20


class Stream:
    """One output stream of a run.

    Parameters
    ----------
    name : str
        ``"stdout"`` or ``"stderr"``.
    on_output : callable or None
        Called with the name and whole lines during the run, up to 1 MiB, so that the
        notebook is not flooded.
    """

    def __init__(self, name: str, on_output: Callable[[str, str], None] | None) -> None:
        self.name = name
        self.total = 0
        self._on_output = on_output
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._head = bytearray()
        self._tail = bytearray()
        self._line = ""
        self._shown = 0

    def feed(self, data: bytes) -> None:
        """Process bytes as they arrive."""
        self.total += len(data)
        room = KEPT_BYTES - len(self._head)
        self._head += data[:room]
        self._tail += data[max(room, 0) :]
        if len(self._tail) > 2 * KEPT_BYTES:
            del self._tail[:-KEPT_BYTES]
        if self._on_output is not None and self._shown < LIVE_BYTES:
            self._show(self._decoder.decode(data), final=False)

    def close(self) -> None:
        """Pass on the last line, which may lack a line ending."""
        if self._on_output is not None and self._shown < LIVE_BYTES:
            self._show(self._decoder.decode(b"", final=True), final=True)

    def take(self) -> str:
        """Return what was printed since the last call, and discard it."""
        text = self.text()
        self.total = 0
        self._head.clear()
        self._tail.clear()
        return text

    def text(self) -> str:
        """Return what was printed: all of it, or head and tail with the size of the gap."""
        tail = bytes(self._tail[-KEPT_BYTES:])
        dropped = self.total - len(self._head) - len(tail)
        gap = f"\n[... {dropped:,} bytes left out ...]\n".encode() if dropped else b""
        return (bytes(self._head) + gap + tail).decode("utf-8", "replace")

    def _show(self, text: str, *, final: bool) -> None:
        self._line += text
        # A carriage return ends a line too: progress bars rewrite theirs.
        end = max(self._line.rfind("\n"), self._line.rfind("\r")) + 1
        ready = self._line if final or len(self._line) > LIVE_BYTES else self._line[:end]
        if not ready or self._on_output is None:
            return
        self._line = self._line[len(ready) :]
        self._shown += len(ready)
        self._on_output(self.name, ready)
        if self._shown >= LIVE_BYTES:
            self._on_output(self.name, "\n[more output is kept for the log only]\n")
