"""Triggers of the pensions context, one module each; the list of files is the list of triggers."""
