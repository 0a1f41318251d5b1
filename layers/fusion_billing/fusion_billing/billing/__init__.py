"""Bill usage: decide which ratings to make, how much of them is billed, and which periods to adjust."""
