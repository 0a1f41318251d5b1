"""The command `fusion`."""
