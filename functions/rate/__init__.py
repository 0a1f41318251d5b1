"""The rate function."""
