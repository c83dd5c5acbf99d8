"""What every room may use: errors, clock, hashing, ids, settings, logging. Knows no room."""
