"""Use cases that more than one function needs: ports in, adapters given."""
