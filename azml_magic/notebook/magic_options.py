"""The options of the magics: one parser for cell and line form, with did-you-mean errors."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Mapping
from typing import Any, NoReturn

from azml_magic.errors import OptionError, PortError, did_you_mean
from azml_magic.protocol.options import Options
from azml_magic.protocol.settings import add_arguments, described

PORTS = ("dataset1", "dataset2")
_NAME = re.compile(r"[^\W\d]\w*\Z")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise OptionError(message, "see %%azureml_module? for all options")


class _Once(argparse.Action):
    """An option that may be given once; argparse would silently keep the last value."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        if getattr(namespace, self.dest) != self.default:
            raise OptionError(
                f"{option_string} is given twice", f"keep one {'/'.join(self.option_strings)}"
            )
        setattr(namespace, self.dest, values)


class _Help(argparse.RawDescriptionHelpFormatter):
    """Formats one line per option, so that the whole help fits on a screen."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=34, width=104)

    def _format_action_invocation(self, action: argparse.Action) -> str:
        names = ", ".join(action.option_strings) or str(action.metavar)
        value = f" {action.metavar or action.dest.upper()}" if action.nargs != 0 else ""
        return f"{names}{value}" if action.option_strings else names


EXAMPLES = """\
examples:
  %%azureml_module -i patients -o ranked
  %%azureml_module -i dataset1=sales -i dataset2=rates -z helpers.zip -o joined -t 60
  %azureml_module -f azureml_main -i patients -p designer"""


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of ``%%azureml_module`` and of its line form."""
    parser = _Parser(
        prog="%%azureml_module",
        usage="%%%%azureml_module [-i [PORT=]FRAME]... [-z BUNDLE] [-o NAME]... [option]...\n"
        "       %%azureml_module -f FUNCTION [-i [PORT=]FRAME]... [option]...",
        description="Run the cell as an Execute Python Script module, in a sandboxed process.",
        epilog=EXAMPLES,
        formatter_class=_Help,
        add_help=False,
        allow_abbrev=False,
    )
    parser.register("action", None, _Once)
    add = parser.add_argument
    add(
        "-i",
        "--input",
        action="append",
        default=[],
        metavar="[PORT=]FRAME",
        help="input frame: dataset1=NAME, or NAME for the next free port",
    )
    add("-z", "--zip", metavar="BUNDLE", help="script bundle: a .zip or a folder")
    add(
        "-o",
        "--output",
        action="append",
        default=[],
        metavar="NAME[,NAME]",
        help="variables for the output frames, in port order",
    )
    add("-n", "--name", default="", metavar="NAME", help="remember the module under a name")
    add("-c", "--check", action="store_true", help="report findings without running the module")
    add("-q", "--quiet", action="store_true", help="show nothing if the run succeeds")
    add("-r", "--rows", type=_rows, metavar="NUMBER", help="number of output rows to show")
    add(
        "-f",
        "--function",
        metavar="NAME",
        help="line form: run a function, or a module named with -n",
    )
    add_arguments(parser, described(Options), letters=True, defaults=False)
    add("--result", default="", metavar="NAME", help="variable for the complete Result")
    add("--debug", action="store_true", help="run in the notebook's process, WITHOUT a sandbox")
    add("--no-raise-error", action="store_true", help="show an error without failing the cell")
    return parser


def build_ports_parser() -> argparse.ArgumentParser:
    """Return the parser of ``%azureml_ports``."""
    parser = _Parser(
        prog="%azureml_ports",
        usage="%%azureml_ports [NAME] [--write]",
        description="Choose the frames for a module's ports, and run the module with a button.",
        epilog="NAME is a function of the notebook, or a module named with -n.",
        formatter_class=_Help,
        add_help=False,
        allow_abbrev=False,
    )
    parser.add_argument("name", nargs="?", default="", metavar="NAME", help="the module to select")
    parser.add_argument(
        "--write",
        action="store_true",
        help="replace this cell with the line for the last selection",
    )
    return parser


def _rows(text: str) -> int:
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of rows")
    return int(text)


def parse(line: str, variables: Mapping[str, Any]) -> argparse.Namespace:
    """Parse a magic's line.

    Parameters
    ----------
    line : str
        The text after the magic's name.
    variables : mapping
        The notebook's variables, for ``$name``.

    Raises
    ------
    OptionError
        For an unknown option or an invalid value.
    """
    words = [_substitute(word, variables) for word in _split(line)]
    return _parsed(build_parser(), words)


def parse_ports(line: str) -> argparse.Namespace:
    """Parse the line of ``%azureml_ports``.

    Raises
    ------
    OptionError
        For an unknown option or a second name.
    """
    return _parsed(build_ports_parser(), _split(line))


def _split(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError as error:
        raise OptionError(f"the line cannot be parsed: {error}", "close the quotation") from None


def _parsed(parser: argparse.ArgumentParser, words: list[str]) -> argparse.Namespace:
    chosen, unknown = parser.parse_known_args(words)
    if unknown:
        raise _unknown(unknown[0], parser)
    return chosen


def _substitute(word: str, variables: Mapping[str, Any]) -> str:
    """Replace ``$name`` with the value of a notebook variable."""
    if not word.startswith("$"):
        return word
    name = word[1:]
    if name not in variables:
        known = [known for known in variables if not known.startswith("_")]
        raise OptionError(f"no variable named {name!r}", did_you_mean(name, known))
    return str(variables[name])


def _unknown(word: str, parser: argparse.ArgumentParser) -> OptionError:
    if word.startswith("-"):
        known = [text for action in parser._actions for text in action.option_strings]
        option = word.split("=")[0]
        return OptionError(
            f"no option {option}",
            did_you_mean(
                option,
                [o for o in known if o.startswith("--")],
                "see %%azureml_module? for all options",
            ),
        )
    return OptionError(
        f"{word!r} is not an option",
        f"write -i {word} for an input, or -o {word} for an output",
    )


def input_variables(texts: list[str]) -> dict[str, str]:
    """Assign each input to a port.

    Parameters
    ----------
    texts : list of str
        ``"dataset2=rates"``, ``"customers"`` for the next free port; commas separate several.

    Returns
    -------
    dict of str to str
        The name of the variable for each connected port, in port order.

    Raises
    ------
    PortError
        For an unknown port, a port used twice, or more than two inputs.
    """
    pairs = [_pair(part) for text in texts for part in text.split(",") if part.strip()]
    taken = [port for port, _ in pairs if port]
    free = [port for port in PORTS if port not in taken]
    chosen: dict[str, str] = {}
    for port, name in pairs:
        if not port and not free:
            raise PortError(
                f"no free port for {name!r}: a module has two datasets",
                "join or concatenate frames first, or put data into the script bundle",
            )
        port = port or free.pop(0)
        if port in chosen:
            raise PortError(f"{port} is given twice", f"{chosen[port]} and {name}: keep one")
        chosen[port] = name
    return {port: chosen[port] for port in PORTS if port in chosen}


def _pair(text: str) -> tuple[str, str]:
    port, equals, name = text.strip().rpartition("=")
    port, name = port.strip(), name.strip()
    if equals and port not in PORTS:
        raise PortError(
            f"no port named {port!r}",
            did_you_mean(port, PORTS, "the ports are dataset1 and dataset2; use -z for a zip"),
        )
    if not _NAME.match(name):
        raise PortError(
            f"{name!r} is an expression, not a variable", f"assign it first: frame = {name}"
        )
    return port, name


def output_variables(texts: list[str]) -> list[str]:
    """Return the variables for the output frames, in port order.

    Parameters
    ----------
    texts : list of str
        ``"train"``, or ``"train,test"``: commas separate several.

    Raises
    ------
    OptionError
        When a name is not valid or repeated, or there are more than two.
    """
    names = [name.strip() for text in texts for name in text.split(",") if name.strip()]
    for place, name in enumerate(names):
        _check_name(name)
        if name in names[:place]:
            raise OptionError(
                f"{name!r} is given twice, but can hold only one output",
                "use a separate variable for each output port",
            )
    if len(names) > 2:
        raise OptionError("a module has two output ports", f"-o {names[0]},{names[1]}")
    return names


def result_variable(text: str, outputs: list[str]) -> str:
    """Return the variable for the whole result; empty for none.

    Raises
    ------
    OptionError
        When it is not a valid name, or is one of the `outputs`.
    """
    name = text.strip()
    if name:
        _check_name(name)
    if name in outputs:
        raise OptionError(
            f"{name!r} is given for an output and for the result",
            "use a separate variable for the result",
        )
    return name


def _check_name(name: str) -> None:
    if not _NAME.match(name):
        raise OptionError(f"{name!r} is not a valid variable name", "use letters, digits and _")
