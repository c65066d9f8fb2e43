"""Logs that are killed, starved and lied to, and what becomes of them."""
