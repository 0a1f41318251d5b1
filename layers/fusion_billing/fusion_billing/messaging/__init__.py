"""Messages to the service's own queues (SQS)."""
