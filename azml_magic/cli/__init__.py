"""The same verbs in a shell."""
