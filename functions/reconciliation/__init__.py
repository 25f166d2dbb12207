"""Reconciliation: counterparties, account lines, e-invoices, Ba and Bs figures of a month."""
