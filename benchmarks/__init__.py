"""Benchmarks: each prints one JSON object a line and measures its reference in the same run."""
