"""Tables that are printed, and kept for the picture."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Table:
    """One topic's figures.

    Attributes
    ----------
    title, columns : str, tuple of str
        What stands above; the first column names the row.
    rows : list of tuple
        Text; numbers are written by who measured them.
    notes : list of str
        Lines below.
    bars : list of (str, float)
        What the picture shows of it, in the unit of `bars_unit`.
    """

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    bars: list[tuple[str, float]] = field(default_factory=list)
    bars_unit: str = ""

    def text(self) -> str:
        lines = [self.columns, *self.rows]
        widths = [max(len(line[place]) for line in lines) for place in range(len(self.columns))]
        written = [
            "  ".join(
                cell.ljust(width) if place == 0 else cell.rjust(width)
                for place, (cell, width) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in lines
        ]
        rule = "-" * max(map(len, written))
        body = "\n".join([written[0], rule, *written[1:]])
        notes = "".join(f"\n{note}" for note in self.notes)
        return f"{self.title}\n{'=' * len(self.title)}\n{body}{notes}\n"
