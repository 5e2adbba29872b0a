"""What rules change in a frame, and how a person is told: one finding a kind and frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Iterable, List, Optional, Tuple

from azml_magic.result import Finding
from azml_magic.sentences import COLON, FindingKind, Sentence, Told, joined, listed

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
    message : Sentence
        What is so; the columns follow after a colon.
    fix : str
        What to do.
    rules : tuple of str
        Rule for a frame that goes in, and for one that comes out.
    """

    number: int
    level: str
    message: Sentence
    fix: str
    rules: Tuple[str, str]

    def of(self, incoming: bool) -> FindingKind:
        """Return the kind of the finding that tells of it."""
        code = f"AZ{2 if incoming else 3}{self.number:02d}"
        rule = self.rules[0 if incoming else 1]
        return FindingKind(code, self.level, self.message, self.fix, rule)


INDEX = Kind(
    1,
    "warning",
    Sentence("the index is not kept, rows are numbered from 0"),
    "frame.reset_index() keeps it as a column",
    ("I1", "I2"),
)
PLAIN_INDEX = Kind(
    2,
    "note",
    Sentence("row numbers are not kept, rows are numbered from 0"),
    "frame.reset_index(drop=True) gives the same frame",
    ("I1", "I2"),
)
NOT_TEXT = Kind(
    3,
    "note",
    Sentence("column names are text in a dataset"),
    "name the columns with strings",
    ("N1", "N1"),
)
REPEATED = Kind(
    4,
    "warning",
    Sentence("repeated column names got a suffix"),
    "give every column its own name",
    ("N2", "N2"),
)
COLUMNS_NAME = Kind(
    5, "note", Sentence("the name of the column labels is not kept"), "", ("N8", "N8")
)
SECONDS = Kind(
    6,
    "warning",
    Sentence("dates arrive as seconds since 1970 (UTC)"),
    'in the module: pd.to_datetime(frame["name"], unit="s")',
    ("V8", "V8"),
)
SPANS = Kind(
    7,
    "warning",
    Sentence("time spans arrive as text"),
    'in the module: pd.to_timedelta(frame["name"]), or pass seconds as numbers',
    ("V9", "V9"),
)
CATEGORY = Kind(
    8,
    "warning",
    Sentence("categories became plain values"),
    'use astype("category") where categories are needed',
    ("V10", "C16"),
)
FLOATS = Kind(
    9,
    "note",
    Sentence("whole numbers with missing values became float64 with NaN"),
    "fill the missing values to keep whole numbers",
    ("V3", "C14"),
)
MIXED = Kind(
    10,
    "warning",
    Sentence("text mixed with other values became text"),
    "give the column one type",
    ("C9", "C9"),
)
STORED = Kind(
    11,
    "note",
    Sentence("numbers became what a dataset stores: float64, or without gaps"),
    "",
    ("C3", "C3"),
)
CATEGORY_TEXT = Kind(
    12,
    "warning",
    Sentence("categories of intervals or periods became text"),
    "use pd.cut(..., labels=[...]) to choose the text",
    ("V10", "C16"),
)
ROWS_LOST = Kind(
    13, "warning", Sentence("a dataset without columns has no rows"), "add a column", ("R15", "R15")
)
RESERVED = Kind(
    14,
    "warning",
    Sentence("columns with a name of the file format were left out"),
    "rename the columns",
    ("N9", "N9"),
)
INDEX_CHANGED = Kind(
    15,
    "note",
    Sentence("the index is not stored as it is"),
    "frame.reset_index() keeps it as a column",
    ("I3", "I3"),
)
LISTS = Kind(16, "note", Sentence("lists and tuples in cells became arrays"), "", ("V11", "C24"))
KEYS = Kind(
    17,
    "warning",
    Sentence("dicts got the keys of all rows"),
    "make a column for each key",
    ("V11", "C25"),
)
RESCALED = Kind(18, "note", Sentence("decimals got the same number of places"), "", ("V11", "C21"))
BYTES = Kind(
    19,
    "note",
    Sentence("bytes pass between modules, but a web service cannot show them"),
    "",
    ("C23", "C23"),
)
UNREADABLE = Kind(
    20,
    "error",
    Sentence("the next module could not read these columns"),
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
        self._found: Dict[Kind, List[Told]] = {}

    def add(self, kinds: Iterable[Kind], detail: Optional[Told] = None) -> None:
        """Note kinds of change of one column, or of the whole frame."""
        for kind in kinds:
            self._found.setdefault(kind, []).extend([] if detail is None else [detail])

    def findings(self) -> List[Finding]:
        """Return one finding for each kind."""
        return [self._finding(kind, details) for kind, details in self._found.items()]

    def _finding(self, kind: Kind, details: List[Told]) -> Finding:
        message = kind.message()
        if details:
            message = joined(message, COLON(), listed(details, SHOWN))
        return kind.of(self._incoming).at(message, port=self._port)
