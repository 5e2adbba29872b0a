"""Limits that a test does not reach, unless it lowers one."""

from azml_magic.protocol.limits import Limits

ROOMY = Limits(memory=4 << 30, timeout=None, tasks=64, file_bytes=64 << 20)
