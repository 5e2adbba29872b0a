"""The wire contract of the scoring service: JSON to frames, frames to JSON, API documents.

Pure functions, used by the server and by the module zip's own ``score.py``.
"""
