"""Dialect: WS-Security UsernameToken, batches, answers at once, status by reference."""
