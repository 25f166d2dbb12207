"""Rules of reconciliation: pure, explicit, exact to the minor unit."""
