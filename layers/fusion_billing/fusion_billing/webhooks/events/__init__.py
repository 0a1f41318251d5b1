"""Event types: the payload of each, an example, and the registry (`registry.EVENT_TYPES`)."""
