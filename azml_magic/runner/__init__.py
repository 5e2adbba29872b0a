"""A run from start to end: monitor process, fork server, one worker per run."""
