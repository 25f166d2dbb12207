"""Routes of the pensions API by resource; ``handlers.api`` is the door."""
