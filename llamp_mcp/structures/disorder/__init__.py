"""Partially occupied sites, and arrangements of whole atoms on them."""
