"""Walks from a seed over a bounded frontier, and keeps the log from which a walk resumes."""
