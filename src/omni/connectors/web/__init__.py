"""People from plain web pages, as their pages' own markup describes them."""
