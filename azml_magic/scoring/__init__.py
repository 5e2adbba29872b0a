"""The wire contract of the scoring service, pure: JSON to frames, frames to JSON, documents.

The server and the module zip's own ``score.py`` use the same files.
"""
