"""Findings by reading a module, never running it: what would break or differ in the cloud."""

from __future__ import annotations

from azml_magic.checks.check import check, describe_codes
from azml_magic.checks.settle import settle, settle_error

__all__ = ["check", "describe_codes", "settle", "settle_error"]
