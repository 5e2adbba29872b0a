"""Modules in Python: loading and calling a module, and reporting on its run.

Used wherever a module runs: in a confined worker, in the notebook's process for debugging, and in
the program of a module zip.
"""
