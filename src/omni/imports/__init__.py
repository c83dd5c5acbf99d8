"""Files of people that were handed in: what they are, what their columns mean, how far they are."""
