"""Where jobs run: confined here, in this very process for a debugger, kept for many calls.

An executor starts an execution of a job, which ends in an account of what came back. What that
comes to, a result or an error, is the runner's matter.
"""
