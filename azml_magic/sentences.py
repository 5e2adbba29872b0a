"""The sentences in which a run may tell what became of a frame: fixed texts with gaps.

A worker is hostile territory, so what comes out of it must never read as advice of this package.
What the rules found or refused there travels as the texts of such sentences and the values of
their gaps. The notebook's side takes no other text, checks each value by the kind of its gap, and
writes the sentence out itself: free words of a module stand in quotes, or not at all.
"""

from __future__ import annotations

import re
import string
from typing import (
    Any,
    Callable,
    ClassVar,
    Dict,
    Iterable,
    List,
    NamedTuple,
    Optional,
    Sequence,
    Tuple,
    Type,
    Union,
)

Value = Union[str, int, float, None, List[Any]]
Part = Tuple[str, Dict[str, Value]]

MOST_PARTS = 20
PORTS = ("dataset1", "dataset2", "output1", "output2")
NAME_CHARACTERS = 60
SAID_CHARACTERS = 300
_DEEPEST = 4
_BITS = 64

_WORD = re.compile(r"-?[A-Za-z_]\w{0,59}", re.ASCII)
_DTYPE = re.compile(r"[<>=|]?\w{1,40}(\[[\w:/+-]{1,40}(, [\w:/+.-]{1,40})?\])?", re.ASCII)
_AN = frozenset("aeio")


class Told(str):
    """A text that is written in sentences, and keeps what it is made of.

    Attributes
    ----------
    parts : tuple of (str, dict)
        Each sentence with the values of its gaps, in order; they travel as JSON.
    """

    parts: Tuple[Part, ...]

    def __new__(cls, parts: Iterable[Part] = ()) -> Told:
        """Write the parts out, one after the other."""
        kept = tuple(parts)
        told = super().__new__(cls, "".join(_written(text, values) for text, values in kept))
        told.parts = kept
        return told

    def to_json(self) -> List[Any]:
        """Return the parts as :func:`read` takes them."""
        return [list(part) for part in self.parts]

    def __getnewargs__(self) -> Tuple[Any, ...]:
        """Let copies and pickles be made of the parts."""
        return (self.parts,)


class Sentence:
    """A fixed text with gaps, such as ``"holds {type} after {type_2}"``.

    The name of a gap, up to an underscore, is its kind:

    - ``label``: the label of a column or of an index, as Python writes it;
    - ``type``: the name of a class, after "a" or "an"; ``word``: such a name alone;
    - ``dtype``: a type of NumPy or pandas;
    - ``port``: one of :data:`PORTS`; ``number``: a whole number;
    - ``said``: words of the module, of a library or of Python, which stand in quotes.
    """

    known: ClassVar[Dict[str, Sentence]] = {}
    """Every sentence there is, by its text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.gaps = _gaps(text)
        self.known[text] = self

    def __call__(self, **values: Any) -> Told:
        """Return the sentence with these values in its gaps."""
        return Told([(self.text, {gap: self.gaps[gap].simple(values[gap]) for gap in values})])


class Refusal(Sentence):
    """A piece of why a frame is refused."""


class Hint(Sentence):
    """What to do about it."""


class Detail(Sentence):
    """What a finding is about, after its message."""


def joined(*told: Told) -> Told:
    """Return several texts as one."""
    return Told(part for one in told for part in one.parts)


def listed(details: Sequence[Told], most: int) -> Told:
    """Return some of the texts with commas between them, and how many more there are."""
    parts: List[Told] = []
    for detail in details[:most]:
        parts += [COMMA(), detail] if parts else [detail]
    more = len(details) - most
    return joined(*parts, AND_MORE(number=more)) if more > 0 else joined(*parts)


def read(
    value: object, kind: Type[Sentence] = Sentence, *, first: Optional[Sentence] = None
) -> Told:
    """Return the text that the parts of a report stand for.

    Parameters
    ----------
    value : object
        What came out of a worker as JSON: a list of pairs of a text and an object.
    kind : type
        Of all its sentences: pieces of another kind would make prose of a worker's own.
    first : Sentence, optional
        The one that must come first, of any kind.

    Raises
    ------
    ValueError
        When a part is none of the sentences that may stand there, or a value is not of its
        gap's kind.
    """
    if not isinstance(value, list) or not 0 < len(value) <= MOST_PARTS:
        raise ValueError("a text that is not a list of sentences")
    parts = [_part(item) for item in value]
    if first is not None and parts[0][0] != first.text:
        raise ValueError("a text that begins with another sentence")
    rest = parts if first is None else parts[1:]
    if not all(isinstance(Sentence.known[text], kind) for text, _ in rest):
        raise ValueError("a sentence that does not belong there")
    return Told(parts)


def article(name: str) -> str:
    """Return a noun with its article, as in ``"an int"``."""
    return f"{'an' if name[:1].lower() in _AN or name == 'ndarray' else 'a'} {name}"


def shortened(value: object, limit: int = NAME_CHARACTERS) -> str:
    """Return a value as Python writes it, in one line that is not too long."""
    text = " ".join(repr(value).split())
    return text if len(text) <= limit else f"{text[: limit - 4]}...{text[-1]}"


class _Gap(NamedTuple):
    """A kind of gap: how a value is made ready to travel, checked, and written."""

    simple: Callable[[Any], Value]
    allows: Callable[[Any], bool]
    write: Callable[[Any], str]


def _gaps(text: str) -> Dict[str, _Gap]:
    named = [gap for _, gap, _, _ in string.Formatter().parse(text) if gap is not None]
    return {gap: _GAPS[gap.partition("_")[0]] for gap in named}


def _part(item: object) -> Part:
    if not (isinstance(item, list) and len(item) == 2 and isinstance(item[0], str)):
        raise ValueError("a sentence of another shape")
    sentence, values = Sentence.known.get(item[0]), item[1]
    if sentence is None:
        raise ValueError("a sentence that is not known")
    if not isinstance(values, dict) or set(values) != set(sentence.gaps):
        raise ValueError("a sentence with other gaps")
    if not all(gap.allows(values[name]) for name, gap in sentence.gaps.items()):
        raise ValueError("a sentence with a value of another kind")
    return sentence.text, values


def _written(text: str, values: Dict[str, Value]) -> str:
    gaps = Sentence.known[text].gaps
    return text.format(**{name: gap.write(values[name]) for name, gap in gaps.items()})


def _simple_label(label: Any, depth: int = 0) -> Value:
    """Return a label as JSON holds it: what is neither a number nor a tuple as text."""
    if label is None or isinstance(label, str):
        return label if label is None else _cut(label)
    if isinstance(label, tuple) and depth < _DEEPEST:
        return [_simple_label(item, depth + 1) for item in tuple.__iter__(label)]
    try:
        plain = label.item() if hasattr(label, "item") else label
        finite = isinstance(plain, (int, float)) and plain - plain == 0  # JSON has no NaN
        return plain if finite and _is_label(plain) else _cut(ascii(label))
    except Exception:  # a label runs code of its own
        return f"<{type(label).__name__}>"


def _is_label(value: Any, depth: int = 0) -> bool:
    if isinstance(value, list):
        return depth <= _DEEPEST and all(_is_label(item, depth + 1) for item in value)
    return value is None or type(value) in (str, float, bool) or _is_number(value)


def _is_number(value: Any) -> bool:
    return type(value) is int and value.bit_length() <= _BITS


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _cut(value: Any) -> str:
    """Return the beginning of a text: more of it is never shown."""
    return str.__str__(value)[: SAID_CHARACTERS + 1]


def _label(value: Value) -> str:
    return shortened(_as_tuple(value))


def _as_tuple(value: Any) -> Any:
    return tuple(map(_as_tuple, value)) if isinstance(value, list) else value


def _word(value: str) -> str:
    return value if _WORD.fullmatch(value) else shortened(value)


def _type(value: str) -> str:
    return value if value == "None" else article(_word(value))


def _dtype(value: str) -> str:
    return value if _DTYPE.fullmatch(value) else shortened(value)


_GAPS = {
    "label": _Gap(_simple_label, _is_label, _label),
    "type": _Gap(_cut, _is_text, _type),
    "word": _Gap(_cut, _is_text, _word),
    "dtype": _Gap(lambda dtype: _cut(str(dtype)), _is_text, _dtype),
    "port": _Gap(_cut, lambda port: port in PORTS, str),
    "number": _Gap(int, _is_number, lambda number: f"{number:,}"),
    "said": _Gap(_cut, _is_text, lambda said: shortened(said, SAID_CHARACTERS)),
}

# Pieces that others are joined from.
COMMA = Detail(", ")
COLON = Detail(": ")
AND_MORE = Detail(" and {number} more")
LABEL = Detail("{label}")
BECAME = Detail("{label} became {label_2}")
THE_INDEX = Detail("the index")
INDEX_LEVEL = Detail("the index {label}")
INDEX_NAME = Detail("its name {label}")
MIXED_LABELS = Detail("labels of several types, numbered from 0")

# Why a frame is refused: where ...
PORT = Refusal("{port}")
COLUMN = Refusal(": column {label} ")
INDEX = Refusal(": the index ")
FIRST_IN_ROW = Refusal(", first in row {number}")
NOT_WRITTEN = Refusal("the returned frame cannot be written: column {label} ")
SEVERAL_LEVELS = Refusal(" has several levels of column names")
UNREADABLE_NAME = Refusal(" has a column whose name cannot be read: {word}")

# ... and what it holds.
HOLDS = Refusal("holds {type}")
HOLDS_AFTER = Refusal("holds {type} after {type_2}")
HOLDS_THAT = Refusal("holds {type} that ")
UNREADABLE = Refusal("cannot be read: {word}")
LARGE_NUMBER = Refusal("holds a whole number of more than 64 bits")
SEVERAL_DATES = Refusal(
    "holds dates that do not fit one column: other time zones, or out of bounds"
)
FAR_DATE = Refusal("holds a date outside the years 1678 to 2261")
DATES = Refusal("holds dates ({dtype})")
SPANS = Refusal("holds time spans ({dtype})")
LONG_SPAN = Refusal("holds a time span of more than 292 years")
DECIMAL = Refusal("holds the decimal {word}")
LONG_DECIMALS = Refusal("holds decimals of more than {number} digits")
VALUES = Refusal("holds {dtype} values")
PERIODS = Refusal("holds periods")
INTERVALS = Refusal("holds intervals")
UNWRITABLE = Refusal("is {dtype}, which cannot be written")
DEEP = Refusal("is nested more than {number} deep")
KEY = Refusal("holds {type} as a key")
MIXES = Refusal("mixes {word} and {word_2}")
SURROGATE = Refusal("holds text that is not valid Unicode (a lone surrogate)")
NO_WAY_OUT = Refusal("holds {type}, which cannot leave its process")
ARRAY = Refusal("holds an array of {dtype} with {number} dimensions")
ENDLESS = Refusal("holds lists or dicts that are nested too deep, or hold themselves")
UNKNOWN_ZONE = Refusal("is in the time zone {said}, which has no name that another process knows")
UNKNOWN_TYPE = Refusal("is of type {dtype}, which cannot travel")

# What azureml_main returned.
NOT_A_FRAME = Refusal("azureml_main returned {type}, not a frame")
ARRAY_NOT_A_FRAME = Refusal("azureml_main returned an array of {dtype} values, not a frame")
EMPTY = Refusal("azureml_main returned an empty {word}")
BEGINS_WITH = Refusal("azureml_main returned {type} that begins with {type_2}, not a frame")
NO_TABLE = Refusal("azureml_main returned {type}, which makes no table")
NO_TABLE_BECAUSE = Refusal("azureml_main returned {type} that makes no table: {said}")
FRAMES_IN_LIST = Refusal("azureml_main returned a list of frames")
DICTS_IN_LIST = Refusal("azureml_main returned a list of dicts")
DIMENSIONS = Refusal("azureml_main returned an array of {number} dimensions")

# What to do.
RETURN_FRAME = Hint("return the frame in a tuple: return frame,")
RETURN_TUPLE = Hint("return a tuple: return frame1, frame2")
RETURN_ROWS = Hint("return pd.DataFrame(rows),")
RETURN_ARRAY = Hint("return pd.DataFrame(array),")
DATES_AS_TEXT = Hint(
    "turn dates into text or numbers first, for example "
    'frame["name"].dt.strftime("%Y-%m-%d %H:%M:%S")'
)
DAYS_AS_TEXT = Hint('turn dates into text first: frame["name"].astype(str)')
TIMES_AS_TEXT = Hint('turn times into text first: frame["name"].astype(str)')
RANGES_AS_TEXT = Hint('turn them into text first: frame["name"].astype(str)')
CLIP_DATES = Hint("the cloud keeps dates in nanoseconds: clip them, or pass them as text")
IN_UTC = Hint('convert them first: pd.to_datetime(frame["name"], utc=True)')
SPANS_AS_NUMBERS = Hint(
    'turn time spans into numbers first, for example frame["name"].dt.total_seconds()'
)
AS_NUMBER = Hint("pass it as a number")
NUMBER_AS_TEXT = Hint("turn it into text or float first")
DECIMALS_AS_NUMBERS = Hint('turn decimals into numbers first: frame["name"].astype(float)')
TWO_PARTS = Hint("return real and imaginary part as two columns")
COLUMN_FOR_ITEM = Hint("make a column for each item, or pickle the cell into bytes")
COLUMN_FOR_KEY = Hint("make a column for each key, or pickle the cell into bytes")
PICKLE_OTHERS = Hint(
    "a dataset holds numbers, text, booleans and dates; pickle other objects into bytes"
)
ONE_TYPE = Hint("give the column one type")
TO_DENSE = Hint("use .sparse.to_dense()")
TO_FLOAT = Hint("use astype('float64')")
PLAIN_CELLS = Hint("keep numbers, text, booleans and dates in frames")
JOIN_LEVELS = Hint(
    'join them: frame.columns = [" ".join(map(str, name)) for name in frame.columns]'
)
NAME_WITH_STRINGS = Hint("name the columns with strings")
DROP_INDEX = Hint("use frame.reset_index(drop=True)")
CONVERT = Hint("convert {label} to numbers or text before returning it")
