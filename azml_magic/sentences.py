"""Fixed sentences with gaps, in which a worker reports what happened to a frame.

Workers are untrusted, so their output must never read as advice of this package. What the rules
found or refused in a worker is sent as the texts of these sentences and the values of their gaps.
The notebook's side accepts no other text, checks each value against the kind of its gap, and
formats the sentence itself: a module's own words appear in quotes, or not at all.
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
OUTPUTS = ("output1", "output2")
"""The output ports, as the fields of a result name them."""
PORTS = ("dataset1", "dataset2", *OUTPUTS)
NAME_CHARACTERS = 60
SAID_CHARACTERS = 300
_DEEPEST = 4
_BITS = 64

_WORD = re.compile(r"-?[A-Za-z_]\w{0,59}", re.ASCII)
_DTYPE = re.compile(r"[<>=|]?\w{1,40}(\[[\w:/+-]{1,40}(, [\w:/+.-]{1,40})?\])?", re.ASCII)
_AN = frozenset("aeio")


class ComposedText(str):
    """A text composed of sentences, which keeps its parts.

    Attributes
    ----------
    parts : tuple of (str, dict)
        Each sentence with the values of its gaps, in order; sent as JSON.
    """

    parts: Tuple[Part, ...]

    def __new__(cls, parts: Iterable[Part] = ()) -> ComposedText:
        """Format the parts, one after the other."""
        kept = tuple(parts)
        composed = super().__new__(cls, "".join(_written(text, values) for text, values in kept))
        composed.parts = kept
        return composed

    def to_json(self) -> List[Any]:
        """Return the parts in the form that :func:`read` accepts."""
        return [list(part) for part in self.parts]

    def __getnewargs__(self) -> Tuple[Any, ...]:
        """Copy and pickle by the parts."""
        return (self.parts,)


class Sentence:
    """A fixed text with gaps, such as ``"holds {type} after {type_2}"``.

    The name of a gap, up to an underscore, is its kind:

    - ``label``: the label of a column or of an index, as Python writes it;
    - ``type``: the name of a class, after "a" or "an"; ``word``: such a name alone;
    - ``dtype``: a type of NumPy or pandas;
    - ``port``: one of :data:`PORTS`; ``number``: a whole number;
    - ``said``: words of the module, of a library or of Python, shown in quotes.
    """

    known: ClassVar[Dict[str, Sentence]] = {}
    """All sentences, by their text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.gaps = _gaps(text)
        self.known[text] = self

    def __call__(self, **values: Any) -> ComposedText:
        """Return the sentence with these values in its gaps."""
        return ComposedText(
            [(self.text, {gap: self.gaps[gap].simple(values[gap]) for gap in values})]
        )


class Refusal(Sentence):
    """Part of the reason why a frame is refused."""


class Hint(Sentence):
    """The remedy."""


class Detail(Sentence):
    """What a finding is about, after its message."""


def joined(*texts: ComposedText) -> ComposedText:
    """Concatenate several texts."""
    return ComposedText(part for text in texts for part in text.parts)


def listed(details: Sequence[ComposedText], most: int) -> ComposedText:
    """Join the first texts with commas, and say how many more there are."""
    parts: List[ComposedText] = []
    for detail in details[:most]:
        parts += [COMMA(), detail] if parts else [detail]
    more = len(details) - most
    return joined(*parts, AND_MORE(number=more)) if more > 0 else joined(*parts)


def read(
    value: object, kind: Type[Sentence] = Sentence, *, first: Optional[Sentence] = None
) -> ComposedText:
    """Return the text that a worker reported.

    Parameters
    ----------
    value : object
        What the worker sent as JSON: a list of pairs of a text and an object.
    kind : type
        The kind of all its sentences: mixing kinds would let a worker write its own prose.
    first : Sentence, optional
        The sentence that must come first, of any kind.

    Raises
    ------
    ValueError
        When a part is not an allowed sentence, or a value does not fit its gap.
    """
    if not isinstance(value, list) or not 0 < len(value) <= MOST_PARTS:
        raise ValueError("a text that is not a list of sentences")
    parts = [_part(item) for item in value]
    if first is not None and parts[0][0] != first.text:
        raise ValueError("a text that begins with the wrong sentence")
    rest = parts if first is None else parts[1:]
    if not all(isinstance(Sentence.known[text], kind) for text, _ in rest):
        raise ValueError("a sentence that does not belong there")
    return ComposedText(parts)


def article(name: str) -> str:
    """Return a noun with its indefinite article, as in ``"an int"``."""
    return f"{'an' if name[:1].lower() in _AN or name == 'ndarray' else 'a'} {name}"


def shortened(value: object, limit: int = NAME_CHARACTERS) -> str:
    """Return the ``repr`` of a value on one line, shortened to `limit` characters."""
    text = " ".join(repr(value).split())
    return text if len(text) <= limit else f"{text[: limit - 4]}...{text[-1]}"


class _Gap(NamedTuple):
    """A kind of gap: how its values are serialized, checked and formatted."""

    simple: Callable[[Any], Value]
    allows: Callable[[Any], bool]
    write: Callable[[Any], str]


def _gaps(text: str) -> Dict[str, _Gap]:
    named = [gap for _, gap, _, _ in string.Formatter().parse(text) if gap is not None]
    return {gap: _GAPS[gap.partition("_")[0]] for gap in named}


def _part(item: object) -> Part:
    if not (isinstance(item, list) and len(item) == 2 and isinstance(item[0], str)):
        raise ValueError("a sentence of the wrong shape")
    sentence, values = Sentence.known.get(item[0]), item[1]
    if sentence is None:
        raise ValueError("an unknown sentence")
    if not isinstance(values, dict) or set(values) != set(sentence.gaps):
        raise ValueError("a sentence with the wrong gaps")
    if not all(gap.allows(values[name]) for name, gap in sentence.gaps.items()):
        raise ValueError("a sentence with a value of the wrong kind")
    return sentence.text, values


def _written(text: str, values: Dict[str, Value]) -> str:
    gaps = Sentence.known[text].gaps
    return text.format(**{name: gap.write(values[name]) for name, gap in gaps.items()})


def _simple_label(label: Any, depth: int = 0) -> Value:
    """Return a label as a JSON value; anything but numbers and tuples becomes text."""
    if label is None or isinstance(label, str):
        return label if label is None else _cut(label)
    if isinstance(label, tuple) and depth < _DEEPEST:
        return [_simple_label(item, depth + 1) for item in tuple.__iter__(label)]
    try:
        plain = label.item() if hasattr(label, "item") else label
        finite = isinstance(plain, (int, float)) and plain - plain == 0  # JSON has no NaN
        return plain if finite and _is_label(plain) else _cut(ascii(label))
    except Exception:  # a label may run any code
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
    """Return the beginning of a text; no more of it is ever shown."""
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

# Building blocks of the others.
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
    "holds dates that do not fit one column: mixed time zones, or out of bounds"
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
DEEP = Refusal("is nested more than {number} levels deep")
KEY = Refusal("holds {type} as a key")
MIXES = Refusal("mixes {word} and {word_2}")
SURROGATE = Refusal("holds text that is not valid Unicode (a lone surrogate)")
NO_WAY_OUT = Refusal("holds {type}, which cannot be sent to another process")
ARRAY = Refusal("holds an array of {dtype} with {number} dimensions")
ENDLESS = Refusal("holds lists or dicts that are nested too deeply, or contain themselves")
UNKNOWN_ZONE = Refusal("is in the time zone {said}, which has no name known to another process")
UNKNOWN_TYPE = Refusal("is of type {dtype}, which cannot be sent to another process")

# What azureml_main returned.
NOT_A_FRAME = Refusal("azureml_main returned {type}, not a frame")
ARRAY_NOT_A_FRAME = Refusal("azureml_main returned an array of {dtype} values, not a frame")
EMPTY = Refusal("azureml_main returned an empty {word}")
BEGINS_WITH = Refusal("azureml_main returned {type} that begins with {type_2}, not a frame")
NO_TABLE = Refusal("azureml_main returned {type}, which cannot be made into a table")
NO_TABLE_BECAUSE = Refusal("azureml_main returned {type} that cannot be made into a table: {said}")
FRAMES_IN_LIST = Refusal("azureml_main returned a list of frames")
DICTS_IN_LIST = Refusal("azureml_main returned a list of dicts")
DIMENSIONS = Refusal("azureml_main returned an array of {number} dimensions")

# Remedies.
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
TWO_PARTS = Hint("return the real and the imaginary part as two columns")
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
