"""The rules of both profiles, pure: no files, no processes, no notebook.

``docs/contract.md`` states each rule with its id; the functions here name the ids they carry
out. Both sides of a run use this room: the notebook prepares what goes in, the worker what
comes out.
"""
