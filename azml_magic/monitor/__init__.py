"""The guard process around runs: it starts and confines them, holds their limits, cleans up.

Its side in the notebook is :mod:`client`.
"""
