"""The state table: leases, circuit breaker, runs, how far planner and sync have come."""
