"""The catalog table: definitions, sources, keys, subscriptions."""
