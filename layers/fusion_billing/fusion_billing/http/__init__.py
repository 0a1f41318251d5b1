"""API Gateway's events, authentication, and problem+json answers: what the functions' HTTP side shares."""
