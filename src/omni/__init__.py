"""Omni finds the right people on public platforms and starts conversations with them, carefully."""
