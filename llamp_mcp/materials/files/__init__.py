"""Sources that are files: the embedded sample and snapshots of one's own."""
