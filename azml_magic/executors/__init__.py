"""Where jobs run: confined on this machine, in this process for a debugger, or for many calls.

An executor starts the execution of a job, which ends with an account of what came back. The
runner turns that into a result or an error.
"""
