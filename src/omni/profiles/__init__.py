"""Raw profiles become features; content hash and write path."""
