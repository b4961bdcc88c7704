"""Surfaces: lattice planes, terminations, what a slab is like, where molecules go on it."""
