"""Arithmetic with units: what is written is parsed here and never run as code."""
