"""Rate usage: plan the hours to rate, and rate what changed in them."""
