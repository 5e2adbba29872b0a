"""What travels between processes, as frozen values: options, limits, jobs, messages.

Python 3.8 and the standard library: the worker, and module zips, read these too.
"""
