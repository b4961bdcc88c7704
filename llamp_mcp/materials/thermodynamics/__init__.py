"""Hulls and balanced reactions over entries of one energy scale."""
