"""Outgoing webhooks: a user's own programs are told what has happened, by signed calls."""
