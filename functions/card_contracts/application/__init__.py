"""Use cases of card contracts."""
