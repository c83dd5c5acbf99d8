"""What each process tells of the hosts that it asks: kept for a while, for everybody to see."""
