"""Postgres and Valkey from wheels: start, stop, URL."""
