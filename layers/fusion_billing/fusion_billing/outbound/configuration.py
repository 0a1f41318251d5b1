"""Build the SSRF guard from the environment."""

from fusion_billing import settings
from fusion_billing.outbound.ssrf_guard import PORTS, SsrfGuard

LOOPBACK = "FUSION_LOCAL_LOOPBACK_WEBHOOKS"
"""Set by the local cloud to 1, for functions on one's own machine, or for functions in a container to the name under
which the container reaches that machine. template.yaml must never name it."""


def guard() -> SsrfGuard:
    """Return the guard with the ports of `WEBHOOK_PORTS` (default 443 and 8443); loopback only for the local cloud.

    Raises `settings.Missing` if `WEBHOOK_PORTS` is not a list of numbers.
    """
    loopback = settings.text(LOOPBACK, "0")
    named = loopback not in {"0", "1"}
    return SsrfGuard(ports=_ports(), loopback=loopback != "0", loopback_at=loopback if named else None)


def _ports() -> frozenset[int]:
    given = settings.text("WEBHOOK_PORTS", ",".join(map(str, sorted(PORTS))))
    try:
        return frozenset(int(port) for port in given.split(","))
    except ValueError:
        raise settings.Missing("WEBHOOK_PORTS must be comma-separated port numbers") from None
