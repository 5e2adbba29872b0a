"""IPython's side: magics, options, output; the only room that knows IPython."""
