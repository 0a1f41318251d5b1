"""Usage records: parsing, admission, and the outcome of a push. Pure."""
