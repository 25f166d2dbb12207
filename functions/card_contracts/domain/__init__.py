"""Rules of card contracts: pure, explicit, exact to the minor unit."""
