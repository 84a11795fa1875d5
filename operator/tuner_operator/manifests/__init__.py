"""Pure builders of every object that the operator creates."""
