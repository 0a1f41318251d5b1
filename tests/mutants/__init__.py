"""Mutation testing of the packages that decide amounts."""
