"""Learning from earlier studies: which they are, what they showed, and the prior in the bucket."""
