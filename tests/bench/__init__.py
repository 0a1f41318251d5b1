"""Benchmarks of a counter, an hour of rating and a cold start, as ratios measured in one run."""
