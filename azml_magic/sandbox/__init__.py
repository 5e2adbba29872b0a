"""Confining a process with the kernel's own means, and finding out which of them are there."""
