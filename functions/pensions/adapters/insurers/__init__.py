"""Insurers over SOAP: one registry, one package per dialect, facts as data."""
