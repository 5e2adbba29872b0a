"""Confinement of a process by the kernel, and probing which mechanisms are available."""
