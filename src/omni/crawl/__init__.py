"""Walks from a seed over a bounded frontier and yields raw profiles; owns no profile table."""
