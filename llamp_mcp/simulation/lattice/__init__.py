"""Elasticity, lattice vibrations and thermal expansion: what their calculations share."""
