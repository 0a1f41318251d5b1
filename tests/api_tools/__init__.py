"""Public tools that read /openapi.json: linters, and generators of clients."""
