"""Pages of payment codes."""
