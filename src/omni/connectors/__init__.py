"""Platforms behind ports; all HTTP goes through `http`."""
