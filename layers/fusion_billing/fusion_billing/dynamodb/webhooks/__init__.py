"""The webhooks table: endpoints, events, deliveries."""
