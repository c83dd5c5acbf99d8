"""The conductor: which room a job opens, and what follows."""
