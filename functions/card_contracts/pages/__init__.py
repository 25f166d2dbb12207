"""Pages of card contracts."""
