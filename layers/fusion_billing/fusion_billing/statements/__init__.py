"""Statements: the rated and invoiced amounts of a closed period, with a hash that proves them."""
