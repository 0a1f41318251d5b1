"""The guard as the environment sets it, for whoever registers endpoints and whoever sends to them."""

from fusion_billing import settings
from fusion_billing.outbound.ssrf_guard import PORTS, SsrfGuard

LOOPBACK = "FUSION_LOCAL_LOOPBACK_WEBHOOKS"
"""Set to 1 by the local cloud, for functions on one's own machine. template.yaml must never name it."""


def guard() -> SsrfGuard:
    """Return the guard: `WEBHOOK_PORTS` (443 and 8443 unless set), loopback for the local cloud alone.

    Raises `settings.Missing` where `WEBHOOK_PORTS` is no list of numbers.
    """
    return SsrfGuard(ports=_ports(), loopback=settings.text(LOOPBACK, "0") == "1")


def _ports() -> frozenset[int]:
    given = settings.text("WEBHOOK_PORTS", ",".join(map(str, sorted(PORTS))))
    try:
        return frozenset(int(port) for port in given.split(","))
    except ValueError:
        raise settings.Missing("WEBHOOK_PORTS must be port numbers with commas between") from None
