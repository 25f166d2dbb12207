"""HTTP routes of payment codes."""
