"""What an operator defines: metrics, charges, subscriptions, sources; each validated whole."""
