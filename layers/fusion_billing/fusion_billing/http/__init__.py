"""Shared HTTP code of the functions: API Gateway events, authentication, and problem+json responses."""
