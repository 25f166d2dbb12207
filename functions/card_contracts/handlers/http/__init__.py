"""HTTP routes of card contracts."""
