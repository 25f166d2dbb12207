"""Everything of pensions that touches the outside world; implements the ports."""
