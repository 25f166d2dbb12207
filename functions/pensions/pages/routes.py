"""Pages of the pensions context."""
