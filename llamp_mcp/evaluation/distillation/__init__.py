"""Datasets for teaching other models, from recorded traffic and from the sources themselves."""
