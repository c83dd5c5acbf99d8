"""Messages that other software delivers: the user's own, by webhook, or tools that take a file."""
