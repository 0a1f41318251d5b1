"""Webhooks, the pure part: what is told, to whom, when it is tried again, and what an answer means."""
