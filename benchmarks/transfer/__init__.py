"""Transfer from earlier tasks: tables of others, one task left out, evaluations to low regret."""
