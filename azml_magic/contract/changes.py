"""What rules change in a frame, and how a person is told: one finding a kind and frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Iterable, List, Sequence, Tuple

from azml_magic.result import Finding

SHOWN = 5


@dataclass(frozen=True)
class Kind:
    """A kind of change.

    Attributes
    ----------
    number : int
        Last two digits of the code: ``AZ2xx`` for a frame that goes in, ``AZ3xx`` for one
        that comes out.
    level : str
        Level of the finding.
    message : str
        What is so; the columns follow after a colon.
    fix : str
        What to do.
    rules : tuple of str
        Rule for a frame that goes in, and for one that comes out.
    """

    number: int
    level: str
    message: str
    fix: str
    rules: Tuple[str, str]


INDEX = Kind(
    1,
    "warning",
    "the index is not kept, rows are numbered from 0",
    "frame.reset_index() keeps it as a column",
    ("I1", "I2"),
)
PLAIN_INDEX = Kind(
    2,
    "note",
    "row numbers are not kept, rows are numbered from 0",
    "frame.reset_index(drop=True) gives the same frame",
    ("I1", "I2"),
)
NOT_TEXT = Kind(
    3,
    "note",
    "column names are text in a dataset",
    "name the columns with strings",
    ("N1", "N1"),
)
REPEATED = Kind(
    4,
    "warning",
    "repeated column names got a suffix",
    "give every column its own name",
    ("N2", "N2"),
)
COLUMNS_NAME = Kind(5, "note", "the name of the column labels is not kept", "", ("N8", "N8"))
SECONDS = Kind(
    6,
    "warning",
    "dates arrive as seconds since 1970 (UTC)",
    'in the module: pd.to_datetime(frame["name"], unit="s")',
    ("V8", "V8"),
)
SPANS = Kind(
    7,
    "warning",
    "time spans arrive as text",
    'in the module: pd.to_timedelta(frame["name"]), or pass seconds as numbers',
    ("V9", "V9"),
)
CATEGORY = Kind(
    8,
    "warning",
    "categories became plain values",
    'use astype("category") where categories are needed',
    ("V10", "C16"),
)
FLOATS = Kind(
    9,
    "note",
    "whole numbers with missing values became float64 with NaN",
    "fill the missing values to keep whole numbers",
    ("V3", "C14"),
)
MIXED = Kind(
    10,
    "warning",
    "text mixed with other values became text",
    "give the column one type",
    ("C9", "C9"),
)
STORED = Kind(
    11,
    "note",
    "numbers became what a dataset stores: float64, or without gaps",
    "",
    ("C3", "C3"),
)
CATEGORY_TEXT = Kind(
    12,
    "warning",
    "categories of intervals or periods became text",
    "use pd.cut(..., labels=[...]) to choose the text",
    ("V10", "C16"),
)
ROWS_LOST = Kind(
    13, "warning", "a dataset without columns has no rows", "add a column", ("R15", "R15")
)
RESERVED = Kind(
    14,
    "warning",
    "columns with a name of the file format were left out",
    "rename the columns",
    ("N9", "N9"),
)
INDEX_CHANGED = Kind(
    15,
    "note",
    "the index is not stored as it is",
    "frame.reset_index() keeps it as a column",
    ("I3", "I3"),
)
LISTS = Kind(16, "note", "lists and tuples in cells became arrays", "", ("V11", "C24"))
KEYS = Kind(
    17,
    "warning",
    "dicts got the keys of all rows",
    "make a column for each key",
    ("V11", "C25"),
)
RESCALED = Kind(18, "note", "decimals got the same number of places", "", ("V11", "C21"))
BYTES = Kind(
    19,
    "note",
    "bytes pass between modules, but a web service cannot show them",
    "",
    ("C23", "C23"),
)
UNREADABLE = Kind(
    20,
    "error",
    "the next module could not read these columns",
    "convert dates with pd.to_datetime and booleans with bool() before returning",
    ("C19", "C19"),
)

KINDS = (
    INDEX,
    PLAIN_INDEX,
    NOT_TEXT,
    REPEATED,
    COLUMNS_NAME,
    SECONDS,
    SPANS,
    CATEGORY,
    FLOATS,
    MIXED,
    STORED,
    CATEGORY_TEXT,
    ROWS_LOST,
    RESERVED,
    INDEX_CHANGED,
    LISTS,
    KEYS,
    RESCALED,
    BYTES,
    UNREADABLE,
)


class Changes:
    """The changes of one frame, in the order they were made."""

    def __init__(self, incoming: bool, port: str) -> None:
        self._incoming = incoming
        self._port = port
        self._found: Dict[Kind, List[str]] = {}

    def add(self, kinds: Iterable[Kind], detail: str = "") -> None:
        """Note kinds of change of one column, or of the whole frame."""
        for kind in kinds:
            self._found.setdefault(kind, []).append(detail)

    def findings(self) -> List[Finding]:
        """Return one finding for each kind."""
        return [self._finding(kind, details) for kind, details in self._found.items()]

    def _finding(self, kind: Kind, details: List[str]) -> Finding:
        named = listed([detail for detail in details if detail])
        return Finding(
            code=f"AZ{2 if self._incoming else 3}{kind.number:02d}",
            level=kind.level,
            message=f"{kind.message}: {named}" if named else kind.message,
            fix=kind.fix,
            rule=kind.rules[0 if self._incoming else 1],
            port=self._port,
        )


def listed(details: Sequence[str]) -> str:
    """Return up to five of them in one line, and how many more there are."""
    more = f" and {len(details) - SHOWN:,} more" if len(details) > SHOWN else ""
    return ", ".join(details[:SHOWN]) + more


def quoted(value: object, limit: int = 60) -> str:
    """Return a name as it is written in a message: one line, and not too long."""
    try:
        text = ascii(value) if not isinstance(value, str) else repr(value)
    except Exception:
        text = f"<{type(value).__name__}>"
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 4] + "...'"
