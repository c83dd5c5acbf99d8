"""Whom each campaign concerns: the cheap score, keep in bounds, evict out of bounds."""
