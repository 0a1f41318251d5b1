"""Whether the service is there."""

from fusion_billing import __version__


def health() -> dict[str, str]:
    """Return the state and the version; it asks nothing of anybody, so it is cheap and tells no secret."""
    return {"status": "ok", "version": __version__}
