"""Rendering of results and errors as HTML, plain text and terminal text, without IPython."""
