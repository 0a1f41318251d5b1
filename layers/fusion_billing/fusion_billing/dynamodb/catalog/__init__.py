"""The catalogue table: definitions, sources, keys, subscriptions."""
