"""API keys, scopes, and what a source may see: pure."""
