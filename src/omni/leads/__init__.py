"""Verdicts become leads; who must not be written to."""
