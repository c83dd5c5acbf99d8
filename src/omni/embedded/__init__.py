"""Postgres and Valkey from wheels: start, share between processes, stop, URL."""
