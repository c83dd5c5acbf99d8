"""A real inference server for tests, which we did not write, with a tiny model that tests make."""
