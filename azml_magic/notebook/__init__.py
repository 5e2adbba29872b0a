"""The IPython side: magics, options, output; the only room that depends on IPython."""
