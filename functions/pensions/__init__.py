"""Pensions: contracts with insurers, enrolment, contributions, status, opt-outs, deadlines."""
