"""The catalog as code: metrics and charges in YAML files, planned and applied through the API."""
