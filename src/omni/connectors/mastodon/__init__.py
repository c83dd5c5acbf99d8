"""Mastodon and whatever else speaks its API, read through one home server."""
