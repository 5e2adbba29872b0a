"""The scoring service: server process, scoring processes, batch jobs."""
