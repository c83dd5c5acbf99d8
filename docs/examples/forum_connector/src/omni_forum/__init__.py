"""A connector of Omni for a small forum."""
