"""Define the principal of a request: the source behind its key, and what it may do."""

from dataclasses import dataclass

from fusion_billing.errors import Forbidden

ADMIN = "admin"

SCOPES = frozenset(
    {
        "usage:write",
        "usage:read",
        "catalog:write",
        "catalog:read",
        "ratings:read",
        "webhooks:write",
        ADMIN,
    }
)


@dataclass(frozen=True, slots=True)
class Principal:
    """The holder of an API key: its source, its scopes, and the limits of the source (None: no limit)."""

    key_id: str
    source: str
    scopes: frozenset[str]
    metrics: frozenset[str] | None = None
    plans: frozenset[str] | None = None

    @property
    def is_admin(self) -> bool:
        """Whether it may do everything for every source."""
        return ADMIN in self.scopes

    def require(self, scope: str) -> None:
        """Raise `Forbidden` unless the key has `scope` (or `admin`, which implies every other)."""
        if scope not in self.scopes and ADMIN not in self.scopes:
            raise Forbidden(f"API key lacks the scope {scope}", code="missing_scope")

    def may_use_metric(self, code: str) -> bool:
        """Return whether its source may use the metric `code`."""
        return self.metrics is None or code in self.metrics

    def may_use_plan(self, plan: str) -> bool:
        """Return whether its source may use subscriptions on `plan`."""
        return self.plans is None or plan in self.plans
