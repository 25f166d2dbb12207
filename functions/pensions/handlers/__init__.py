"""Triggers of the pensions context, one module each; the list of files is the list of triggers."""

from toolkit.entrypoints import cold_start

cold_start.prepare()
