"""The list of findings: what each code means. All findings are made here.

The tables of `docs/findings.md` and the codes of every report are generated from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Optional, Tuple

from azml_magic.result import Finding
from azml_magic.sentences import Sentence

READING, INPUT, OUTPUT, RUN, EXPORT = "reading", "input", "output", "run", "export"
"""Where a finding is found: by a check of the module or its bundle, in the input frames, in the
output frames, in the run itself, or by an export."""


@dataclass(frozen=True)
class Code:
    """A kind of finding.

    Attributes
    ----------
    code : str
        Stable code such as ``"AZ110"``.
    level : str
        ``"note"``, ``"warning"`` or ``"error"``, unless a finding says otherwise.
    seen_by : str
        One of ``READING``, ``INPUT``, ``OUTPUT``, ``RUN``, ``EXPORT``.
    meaning : str
        What happens in the cloud, in Markdown.
    rules : str
        The rules of ``docs/contract.md`` that it is based on, as text; empty for none.
    advice : str
        The fix, in Markdown; a finding may give a more specific one.
    example : str
        For the documentation: a line of a module in backticks, or other text.
    """

    code: str
    level: str
    seen_by: str
    meaning: str
    rules: str = ""
    advice: str = ""
    example: str = ""

    def at(
        self,
        line: Optional[int],
        message: str,
        fix: str = "",
        rule: Optional[str] = None,
        *,
        level: str = "",
        port: str = "",
    ) -> Finding:
        """Return a finding of this kind.

        Parameters
        ----------
        line : int or None
            Line of the source, counted from 1.
        message, fix : str
            The problem and the remedy, in one line each.
        rule : str, optional
            The rule; by default the rule of the kind, if it has only one.
        level : str, optional
            The level, if it differs from that of the kind.
        port : str
            The port that the finding is about.
        """
        if rule is None:
            rule = "" if " " in self.rules else self.rules
        return Finding(self.code, level or self.level, message, fix, rule, line, port)


@dataclass(frozen=True)
class Report:
    """A finding that a worker may report: its kind, and the beginning of its message.

    Attributes
    ----------
    code : Code
        The kind.
    message : Sentence
        The beginning of the message.
    fix : str
        The remedy.
    level, rule : str
        The level and the rule, if they differ from those of the kind.
    """

    code: Code
    message: Sentence
    fix: str = ""
    level: str = ""
    rule: str = ""

    @property
    def key(self) -> Tuple[str, str, str]:
        """What identifies a report: code, level and rule."""
        return self.code.code, self.level or self.code.level, self.rule or self.code.rules

    def at(self, message: str, *, line: Optional[int] = None, port: str = "") -> Finding:
        """Return a finding."""
        _, level, rule = self.key
        return self.code.at(line, message, self.fix, rule, level=level, port=port)


def _code(seen_by: str, row: Tuple[str, ...]) -> Code:
    code, level, *rest = row
    return Code(code, level, seen_by, *rest)


def _reading(*row: str) -> Code:
    return _code(READING, row)


def _output(*row: str) -> Code:
    return _code(OUTPUT, row)


def _run(*row: str) -> Code:
    return _code(RUN, row)


def _export(*row: str) -> Code:
    return _code(EXPORT, row)


def _change(
    number: str, level: str, meaning: str, of: str, to: str, advice: str = ""
) -> List[Code]:
    """Return the two kinds for a change of a frame: one for inputs, and one for outputs."""
    return [
        Code(f"AZ2{number}", level, INPUT, meaning, of, advice),
        Code(f"AZ3{number}", level, OUTPUT, meaning, to, advice),
    ]


# Code, level, what happens in the cloud, rules, fix, example. Changes of frames have two rules:
# one for an input frame and one for an output frame.
# fmt: off
_LIST = [
    # The module
    _reading("AZ101", "error", "Error 0085: Python cannot compile the script", "L8", "fix the line", '`print "rows"`'),
    _reading("AZ102", "error", "Error 0085: there is no `azureml_main`", "A11", "rename the function to `azureml_main`", "`def azureML_main(frame): return frame,`"),
    _reading("AZ103", "error", "Error 0085: `azureml_main` cannot be called with the connected datasets", "A1 to A9", "declare two parameters with defaults", "`def azureml_main(a, b, c): return a,`"),
    _reading("AZ104", "error", "Error 0085: a coroutine or generator is returned instead of a frame", "R11", "write a plain function that returns a frame", "`async def azureml_main(frame): return frame,`"),
    _reading("AZ105", "error", "designer refuses a list; classic accepts it", "R4", "return a tuple", "`return [frame]`"),
    _reading("AZ106", "warning", "the frame is lost: it has no port", "R6, R7", "return what the next module needs", "`return frame, frame.T`"),
    _reading("AZ107", "warning", "the module produces no table", "R9", "return the frame", "`def azureml_main(frame): print(frame)`"),
    _reading("AZ108", "warning", "a connected dataset is dropped, or becomes the first argument", "A4, A5", "declare two parameters with defaults", "`def azureml_main(): return other(),`"),
    _reading("AZ109", "note", "nothing: classic accepts a bare frame, but its documentation asks for a sequence", "R2", "add the comma", "`return frame`"),
    _reading("AZ110", "error", "NameError: only the notebook has the name (also reported for functions that the module calls)", "", "move it into the cell or the bundle", '`frame["b"] = frame["a"] * rate`'),
    _reading("AZ111", "error", "NameError: the name is not defined anywhere", "", "define or import it", "`frame = pd.concat([frame, frame])`"),
    _reading("AZ112", "error", "Error 0085: the profile does not accept this kind of value", "R8, R10 to R12", "return a frame", '`return frame["a"].mean()`'),
    _reading("AZ120", "error", "SyntaxError: `!` and `%` lines work in notebooks only", "", "remove it; bring packages in the bundle, or install them with `os.system` in designer", "`!pip install nltk`"),
    # Inputs, outputs and the bundle
    _reading("AZ271", "warning", "classic numbers rows from 0: dates or labels in the index are lost", "I1", "pass them as a column, and call `set_index` in the module", "`years = frame.index.year`"),
    _reading("AZ272", "note", "designer keeps the index of a filtered dataset: there may be no row labelled 0", "I1", "use `.iloc[0]`", '`first = frame["a"][0]`'),
    _reading("AZ273", "warning", "the change is lost: only returned frames are passed on", "A13", "return the frame", '`def azureml_main(frame): frame["b"] = 1`'),
    _reading("AZ281", "warning", "a path that leads outside the bundle is cut", "Z8", "create the zip with relative paths", "an entry `../a.py`"),
    _reading("AZ282", "warning", "Windows keeps only one of two files whose names differ only in case", "Z4", "rename one", "the files `A.py` and `a.py`"),
    _reading("AZ283", "warning", "designer reserves that name for its own services", "X5", "rename the file", "`app.py` in the bundle"),
    _reading("AZ284", "note", "hidden files of a folder are not in the bundle", "", "rename them, or pass a zip", "`.env` in the folder"),
    _reading("AZ285", "note", "the bundle has a single top-level folder, so modules must be imported through it", "Z4", "zip the folder's contents", "`tools/a.py` alone in the bundle"),
    _reading("AZ286", "warning", "the bundle is searched last, so another module of that name is imported", "Z2", "rename it", "`json.py` in the bundle"),
    _reading("AZ371", "warning", "classic drops the index of the output", "I2", "call `reset_index()`", '`return frame.groupby("a").sum(),`'),
    # Figures
    _reading("AZ401", "warning", "no figure is shown: only saved figures are", "W6", 'call `plt.savefig("figure.png")`', "`frame.plot()`"),
    _reading("AZ402", "warning", "the figure is not shown: it is not a PNG, or not in the working directory", "W1, W4", "use a plain file name that ends in `.png`", '`frame.plot().get_figure().savefig("out/a.pdf")`'),
    _reading("AZ403", "warning", "designer shows only uploaded figures", "W3", "call `Run.get_context().upload_file(...)`", '`frame.plot().get_figure().savefig("a.png")`'),
    # The run's surroundings
    _reading("AZ501", "warning", "classic has no network", "W2", "use a port or the bundle", '`frame = pd.read_csv("https://example.com/a.csv")`'),
    _reading("AZ502", "warning", "the path leads outside the run folder, and the file is not there", "W1", "use a port or the bundle", '`text = open("C:/data/names.txt").read()`'),
    _reading("AZ503", "error", "designer fails on scripts larger than 16 KB", "X1", "move functions into the bundle", "a script of 20,000 bytes"),
    _reading("AZ504", "note", "the block never runs: the module is imported", "3.11", "keep it for local tests only", '`if __name__ == "__main__": print("test")`'),
    _reading("AZ505", "warning", "in designer, top-level code runs in another folder, so the file is not found", "Z9", "open it inside `azureml_main`", '`text = open("Script Bundle/names.txt").read()`'),
    _reading("AZ506", "warning", "the file is neither on a port nor in the bundle", "W1, Z6", "use a port or the bundle", '`text = open("names.txt").read()`'),
    # Versions
    _reading("AZ601", "error", "SyntaxError: the cloud's Python is older", "P1", "use the older syntax", '`match len(frame): case 0: print("empty")`'),
    _reading("AZ602", "error", "ImportError or AttributeError: the cloud's standard library is older", "P1", "avoid it, or bring a copy in the bundle", "`from zoneinfo import ZoneInfo`"),
    _reading("AZ603", "warning", "it works in the cloud and fails here: this Python has removed it", "P1", "use what replaced it", "`from collections import Mapping`"),
    _reading("AZ610", "warning", "ImportError: the cloud does not have the package", "P3", 'bring it in the bundle, or call `os.system("pip install ...")` in designer', "`import xgboost`"),
    _reading("AZ611", "note", "the cloud has another major version of the package, which may give different results", "P2", "compare the results", "`import pandas`"),
    _reading("AZ620", "error", "AttributeError or TypeError: the cloud's version of the package does not have it", "P2", "use what that version has", '`frame = frame.sort_values("a", key=abs)`'),
    _reading("AZ621", "warning", "it works in the cloud and fails here: the version here has removed it", "P2", "use what both versions have", "`frame = frame.append(frame)`"),
    _reading("AZ622", "warning", "the cloud's pandas may change the frame; pandas 3 changes nothing and raises no error", "3.5", "assign in one step", '`frame["a"].fillna(0, inplace=True)`'),
    _reading("AZ623", "warning", "the cloud's pandas changes the frame; pandas 3 raises an error", "3.4", "make a copy", '`frame["a"].values[0] = 1`'),
    _reading("AZ624", "note", "text has dtype `object` in the cloud; in pandas 3, text columns that the module creates have dtype `str`", "3.6", "test for numeric dtypes instead", "`names = [c for c in frame if frame[c].dtype == object]`"),
    _reading("AZ625", "warning", "dates have nanoseconds in the cloud, and microseconds in pandas 3", "P2", "divide by a `Timedelta`", '`n = pd.to_datetime(frame["t"]).astype("int64")`'),
    # Found when it runs
    *_change("01", "warning", "the index is not kept", "I1", "I2", "call `reset_index()`"),
    *_change("02", "note", "row numbers are not kept", "I1", "I2", "`reset_index(drop=True)` gives the same"),
    *_change("03", "note", "column names become text", "N1", "N1", "use text as column names"),
    *_change("04", "warning", "repeated column names get a suffix", "N2", "N2", "give each column a different name"),
    *_change("05", "note", "the name of the column labels is not kept", "N8", "N8"),
    *_change("06", "warning", "dates arrive as seconds since 1970", "V8", "V8", 'call `pd.to_datetime(..., unit="s")`'),
    *_change("07", "warning", "time spans arrive as text", "V9", "V9", "pass seconds"),
    *_change("08", "warning", "categories become plain values", "V10", "C16", 'call `astype("category")` in the module'),
    *_change("09", "note", "whole numbers with missing values become float64", "V3", "C14", "fill in the missing values"),
    *_change("10", "warning", "mixed columns become text", "C9", "C9", "use one type per column"),
    *_change("11", "note", "numbers are converted to a type that a dataset can store", "C3", "C3"),
    *_change("12", "warning", "categories of intervals or periods become text", "V10", "C16", "pass labels to `pd.cut`"),
    *_change("13", "warning", "a dataset without columns has no rows", "R15", "R15", "add a column"),
    *_change("14", "warning", "columns with a name that the file format reserves are left out", "N9", "N9", "rename them"),
    *_change("15", "note", "the index is not stored as it is", "I3", "I3", "call `reset_index()`"),
    *_change("16", "note", "lists in cells become arrays", "V11", "C24"),
    *_change("17", "warning", "dicts in cells get the keys of all rows", "V11", "C25", "use a column for each key"),
    *_change("18", "note", "decimals get the same number of decimal places", "V11", "C21"),
    *_change("19", "note", "a web service cannot show bytes", "C23", "C23"),
    *_change("20", "error", "the next module cannot read the column", "C19", "C19", "convert it before returning"),
    _output("AZ330", "warning", "nothing was returned: there is no table", "R9", "return the frame"),
    _output("AZ331", "warning", "a frame without a port is lost", "R6, R7", "return what the next module needs"),
    _output("AZ332", "note", "a list was returned, which designer refuses", "R4", "return a tuple"),
    _output("AZ333", "note", "designer converts a value to a table", "R11", "return a frame"),
    _run("AZ410", "warning", "figures left open are not shown", "W6", "save them"),
    _run("AZ411", "warning", "a broken image is not shown", "W3", ""),
    _run("AZ412", "note", "images of other formats are not shown", "W4", "save as PNG"),
    _run("AZ413", "warning", "designer does not show figures that were saved but not uploaded", "W3", "call `upload_file`"),
    _run("AZ414", "warning", "figures beyond the limit are not shown", "", "save fewer"),
    _run("AZ510", "warning", "`ChainedAssignmentError`: pandas 3 changed nothing; older versions may change the frame", "3.5", "assign in one step"),
    _run("AZ511", "warning", "`SettingWithCopyWarning`: a copy may have been changed", "3.16", "use `.loc` or `copy()`"),
    _run("AZ512", "note", "a `FutureWarning` or `DeprecationWarning` about a line of the module", "P2", "use what the warning suggests"),
    # Found on export
    _export("AZ701", "error", "a local module is not in the zip", "P3", "add it to the bundle"),
    _export("AZ702", "warning", "a file that the module names is not in the zip", "Z6", "add it to the bundle"),
]
# fmt: on

CODES: Dict[str, Code] = {code.code: code for code in _LIST}
