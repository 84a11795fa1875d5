"""Seconds per proposal, from a hundred to ten thousand trials, on one core."""
