"""Two crystals in one cell: layers, common supercells, epitaxy, coincidence."""
