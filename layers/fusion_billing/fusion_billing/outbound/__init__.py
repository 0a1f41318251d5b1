"""The sender of webhooks: HTTPS to public addresses only, with limits on time and size."""
