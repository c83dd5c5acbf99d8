"""What came back becomes feedback events."""
