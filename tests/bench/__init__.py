"""Benchmarks: what a counter, an hour and a cold start cost, as ratios taken in one run."""
