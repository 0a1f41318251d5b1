"""In-memory adapters for unit tests: one fake for each port, guarded as the real adapter guards it."""
