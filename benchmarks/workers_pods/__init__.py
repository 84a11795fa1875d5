"""How much of the time real pods evaluate, beside peers whose processes only sleep."""
