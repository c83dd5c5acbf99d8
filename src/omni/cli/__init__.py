"""The composition root: reads settings, builds the world, starts and watches the processes."""
