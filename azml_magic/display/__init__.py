"""A Result or an error as HTML, plain text and terminal text; knows no IPython."""
