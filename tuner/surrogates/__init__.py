"""Models of what trials will show and take."""
