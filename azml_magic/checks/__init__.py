"""Static checks of a module for what would fail or differ in the cloud; nothing is run."""

from __future__ import annotations

from azml_magic.checks.check import check, describe_codes
from azml_magic.checks.settle import settle, settle_error

__all__ = ["check", "describe_codes", "settle", "settle_error"]
