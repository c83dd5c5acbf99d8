"""Outcomes become new weights. A pure learner."""
