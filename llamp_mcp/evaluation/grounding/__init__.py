"""Claims about materials, held against what the tools said."""
