"""Parsing of source, with one type of error for everything that Python cannot compile."""

from __future__ import annotations

import ast
import warnings
from importlib.util import decode_source


def parse(source: str) -> ast.Module:
    r"""Parse a source.

    Compiler warnings are suppressed: the literal ``'.\Script Bundle'``, common in scripts, would
    cause one.

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
        When Python cannot compile it, including NUL characters, lone surrogates and nesting
        that is too deep.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
            # Finds errors that the parser accepts, such as a return outside a function.
            compile(tree, "<module>", "exec", dont_inherit=True)
    except UnicodeError as error:
        raise SyntaxError("the source contains characters that cannot be encoded") from error
    except ValueError as error:
        raise SyntaxError(str(error)) from error
    except (RecursionError, MemoryError) as error:
        raise SyntaxError("the source is nested too deeply") from error
    return tree


def decode(content: bytes) -> str:
    r"""Decode a Python file: UTF-8, unless a byte order mark or a coding line says otherwise.

    Parameters
    ----------
    content : bytes
        The content of the file.

    Returns
    -------
    str
        Its text, with ``\n`` line endings.

    Raises
    ------
    SyntaxError
        When the encoding is unknown, or the bytes are not valid in it.
    """
    try:
        return decode_source(content)
    except UnicodeDecodeError as error:
        raise SyntaxError(f"it is not valid {error.encoding} text") from error
