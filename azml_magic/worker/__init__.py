"""What runs inside the sandbox: compile, call, report.

From this package, it imports only the rules (``contract``), the values that these use (``errors``,
``result``, ``sentences``), the languages, the messages (``protocol``, ``wire``) and the
confinement (``sandbox``).
"""
