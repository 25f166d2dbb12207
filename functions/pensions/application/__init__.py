"""Use cases of the pensions context, one per file; each is a class whose instance is called."""
