"""The state table: leases, circuit breaker, runs, watermarks of the planner and the sync."""
