"""The demo of `make run`: a small catalog, weeks of counters up to today, and what they come to, worked by hand."""
