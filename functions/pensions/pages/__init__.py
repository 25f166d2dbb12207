"""Pages of the pensions context, on the shared page kit."""
