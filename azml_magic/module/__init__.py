"""What a module is before it runs: its source, its names and its script bundle."""
