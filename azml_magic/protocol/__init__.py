"""Values exchanged between processes, as frozen dataclasses: options, limits, jobs, messages.

Limited to Python 3.8 and the standard library, as the worker and module zips use these too.
"""
