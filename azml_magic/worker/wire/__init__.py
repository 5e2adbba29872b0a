"""Room worker/wire."""
