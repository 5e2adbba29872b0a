"""From what came back of a run to its result, or to the error that says why there is none."""
