"""How two crystals compare: which cells and sites correspond, or why they do not match."""
