"""A module before it runs: its source, its names and its script bundle."""
