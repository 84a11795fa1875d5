"""The front that a study finds on a real cluster, against an exhaustive grid in real pods."""
