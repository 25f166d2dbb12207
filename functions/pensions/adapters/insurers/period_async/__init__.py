"""Dialect: batches taken first and numbered later, status by period, no deduplication."""
