"""The scoring service: server process, processes that score, batch jobs."""
