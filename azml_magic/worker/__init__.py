"""What runs on the other side of the sandbox: compile, call, report.

Imports nothing of the package but the pure rules (``contract``), the values that
they speak in (``errors``, ``result``, ``sentences``) and the confinement (``sandbox``).
"""
