"""Exporting a module as one zip for many uses, and importing it again."""
