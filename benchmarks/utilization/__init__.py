"""How much of the workers' time goes into evaluations, from 40 workers to 4,096."""
