"""Invented companies with realistic payroll files, mistakes included: demo, tests, proofs."""
