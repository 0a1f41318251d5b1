"""API keys, scopes, and what a source may use. Pure."""
