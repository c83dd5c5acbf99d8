"""Criteria: JSON to a tree, to SQL, to plain English, to a hash. Pure."""
