"""The live Materials Project as a source."""
