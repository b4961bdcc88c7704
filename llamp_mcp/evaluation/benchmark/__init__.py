"""Question sets put to a model, with and without the tools, and what came of it."""
