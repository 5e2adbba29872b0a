"""Changes that the rules make to a frame, reported as one finding per kind and frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Iterable, List, Optional

from azml_magic.findings import CODES, Report
from azml_magic.result import Finding
from azml_magic.sentences import COLON, ComposedText, Sentence, joined, listed

SHOWN = 5


@dataclass(frozen=True)
class Kind:
    """A kind of change.

    Attributes
    ----------
    number : int
        Last two digits of the code: ``AZ2xx`` for a frame that goes in, ``AZ3xx`` for one
        that comes out.
    message : Sentence
        The problem; the columns follow after a colon.
    fix : str
        The remedy.
    """

    number: int
    message: Sentence
    fix: str = ""

    def of(self, incoming: bool) -> Report:
        """Return the report of this change to an input or an output."""
        code = CODES[f"AZ{2 if incoming else 3}{self.number:02d}"]
        return Report(code, self.message, self.fix)


INDEX = Kind(
    1,
    Sentence("the index is not kept, rows are numbered from 0"),
    "frame.reset_index() keeps it as a column",
)
PLAIN_INDEX = Kind(
    2,
    Sentence("row numbers are not kept, rows are numbered from 0"),
    "frame.reset_index(drop=True) gives the same frame",
)
NOT_TEXT = Kind(3, Sentence("column names are text in a dataset"), "name the columns with strings")
REPEATED = Kind(4, Sentence("repeated column names got a suffix"), "give every column its own name")
COLUMNS_NAME = Kind(5, Sentence("the name of the column labels is not kept"))
SECONDS = Kind(
    6,
    Sentence("dates arrive as seconds since 1970 (UTC)"),
    'in the module: pd.to_datetime(frame["name"], unit="s")',
)
SPANS = Kind(
    7,
    Sentence("time spans arrive as text"),
    'in the module: pd.to_timedelta(frame["name"]), or pass seconds as numbers',
)
CATEGORY = Kind(
    8,
    Sentence("categories became plain values"),
    'use astype("category") where categories are needed',
)
FLOATS = Kind(
    9,
    Sentence("whole numbers with missing values became float64 with NaN"),
    "fill the missing values to keep whole numbers",
)
MIXED = Kind(10, Sentence("text mixed with other values became text"), "give the column one type")
STORED = Kind(11, Sentence("numbers got a type that a dataset stores: float64, or not nullable"))
CATEGORY_TEXT = Kind(
    12,
    Sentence("categories of intervals or periods became text"),
    "use pd.cut(..., labels=[...]) to choose the text",
)
ROWS_LOST = Kind(13, Sentence("a dataset without columns has no rows"), "add a column")
RESERVED = Kind(
    14, Sentence("columns whose names the file format reserves were left out"), "rename the columns"
)
INDEX_CHANGED = Kind(
    15, Sentence("the index is not stored as it is"), "frame.reset_index() keeps it as a column"
)
LISTS = Kind(16, Sentence("lists and tuples in cells became arrays"))
KEYS = Kind(17, Sentence("dicts were given the keys of all rows"), "make a column for each key")
RESCALED = Kind(18, Sentence("decimals were given the same number of places"))
BYTES = Kind(19, Sentence("bytes pass between modules, but a web service cannot show them"))
UNREADABLE = Kind(
    20,
    Sentence("the next module could not read these columns"),
    "convert dates with pd.to_datetime and booleans with bool() before returning",
)

KINDS = tuple(kind for kind in list(globals().values()) if isinstance(kind, Kind))


class Changes:
    """The changes made to one frame, in order."""

    def __init__(self, incoming: bool, port: str) -> None:
        self._incoming = incoming
        self._port = port
        self._found: Dict[Kind, List[ComposedText]] = {}

    def add(self, kinds: Iterable[Kind], detail: Optional[ComposedText] = None) -> None:
        """Record changes of one column, or of the whole frame."""
        for kind in kinds:
            self._found.setdefault(kind, []).extend([] if detail is None else [detail])

    def findings(self) -> List[Finding]:
        """Return one finding for each kind."""
        return [self._finding(kind, details) for kind, details in self._found.items()]

    def _finding(self, kind: Kind, details: List[ComposedText]) -> Finding:
        message = kind.message()
        if details:
            message = joined(message, COLON(), listed(details, SHOWN))
        return kind.of(self._incoming).at(message, port=self._port)
