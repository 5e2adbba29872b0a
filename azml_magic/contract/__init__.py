"""The rules of both profiles as pure functions: no files, no processes, no notebook.

``docs/contract.md`` states each rule with its id; the functions here name the ids that they
implement. Both sides of a run use this room: the notebook prepares the inputs, the worker the
outputs.
"""
