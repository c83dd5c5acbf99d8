"""Matrix, read as one account of one homeserver sees it."""
