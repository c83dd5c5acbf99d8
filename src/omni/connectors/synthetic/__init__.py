"""A deterministic network of people who do not exist, so that the loop runs offline."""
