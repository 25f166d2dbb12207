"""Pages of counterparties: one column, without JavaScript, on a phone."""
