"""Judges behind one port."""
