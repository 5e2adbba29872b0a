"""The process that guards runs: it starts and confines them, enforces limits and cleans up.

Its counterpart in the notebook is :mod:`client`.
"""
