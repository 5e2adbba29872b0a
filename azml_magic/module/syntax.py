"""Source to syntax tree, with one kind of error for everything that Python cannot compile."""

from __future__ import annotations

import ast
import warnings
from importlib.util import decode_source


def parse(source: str) -> ast.Module:
    r"""Return the syntax tree of a source.

    Warnings of the compiler stay silent: the literal ``'.\Script Bundle'`` alone, which
    every second script has, would print one.

    Parameters
    ----------
    source : str
        A whole module.

    Returns
    -------
    ast.Module
        Its tree.

    Raises
    ------
    SyntaxError
        When Python cannot compile it, also for NUL characters, for lone surrogates and for
        nesting that is too deep.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
            # Finds what the parser lets through, such as a return outside a function.
            compile(tree, "<module>", "exec", dont_inherit=True)
    except UnicodeError as error:
        raise SyntaxError("the source contains characters that cannot be encoded") from error
    except ValueError as error:
        raise SyntaxError(str(error)) from error
    except (RecursionError, MemoryError) as error:
        raise SyntaxError("the source is nested too deeply") from error
    return tree


def decode(content: bytes) -> str:
    r"""Return the text of a Python file: UTF-8, or what its mark or coding line says.

    Parameters
    ----------
    content : bytes
        The file.

    Returns
    -------
    str
        Its text, with ``\n`` line ends.

    Raises
    ------
    SyntaxError
        When the encoding is unknown, or the bytes are not of it.
    """
    try:
        return decode_source(content)
    except UnicodeDecodeError as error:
        raise SyntaxError(f"it is not {error.encoding} text") from error
