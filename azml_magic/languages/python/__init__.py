"""Modules in Python: how one is loaded and called, and what is reported of it.

Used wherever a module runs: in a confined worker, in a notebook's own process for a debugger, and
in the program of a module zip.
"""
