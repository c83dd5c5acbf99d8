"""Sending on virtual time: the real plans of dispatch and feedback, and a made-up world."""
