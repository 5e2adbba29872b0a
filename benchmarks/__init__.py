"""How fast azml_magic is, as ratios measured in one run: ``python -m benchmarks --help``."""
