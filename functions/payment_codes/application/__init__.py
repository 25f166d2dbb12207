"""Use cases of payment codes, one class each."""
