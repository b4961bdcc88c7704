"""Minimum-energy paths: which atom goes where, the band of images, and what its profile says."""
