"""The HTTPS sender of webhooks: it talks to public addresses, and gives no answer more than its share."""
