"""Webhooks, the pure part: events, endpoints, retry schedule, signatures and results."""
