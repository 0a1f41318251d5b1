"""A usage record: how it is read, what it is aimed at, and what a push of it comes to. Pure."""
