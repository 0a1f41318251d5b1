"""The demo of `make run`: a small catalog, a month of counters, and what they come to, worked by hand."""
