"""The composition root: reads settings, builds the world, starts the processes."""
