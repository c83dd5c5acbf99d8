"""People who were erased: what is left of it, and what keeps them out for good."""
