"""The demo of `make run`: a small catalogue, a month of counters, and what they come to, worked by hand."""
