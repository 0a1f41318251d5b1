"""The Lambda functions: a thin handler and a service each."""
