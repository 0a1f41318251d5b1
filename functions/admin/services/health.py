"""Show that the service is up."""

from fusion_billing import __version__


def health() -> dict[str, str]:
    """Return the state and the version. It calls no other service and shows no secret."""
    return {"status": "ok", "version": __version__}
