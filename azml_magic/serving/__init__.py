"""The scoring service: server process, lanes that score, batch jobs."""
