"""The console in a real browser, against the whole service in memory (docs/testing.md)."""
