"""Committed counts: fault points and calls per use case. A new call must change a file here."""
