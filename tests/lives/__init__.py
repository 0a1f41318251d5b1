"""Random lives of subscriptions, played against the whole service in memory (docs/testing.md)."""
