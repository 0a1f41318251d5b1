"""Define the principal of a request: the source behind its key, and what it may do."""

from dataclasses import dataclass, field

from fusion_billing.errors import Forbidden

ADMIN = "admin"
WEBHOOKS = "webhooks:write"

SCOPES = frozenset(
    {
        "usage:write",
        "usage:read",
        "catalog:write",
        "catalog:read",
        "ratings:read",
        WEBHOOKS,
        ADMIN,
    }
)


@dataclass(frozen=True, slots=True)
class Principal:
    """The holder of an API key: its source, its scopes, and the limits of the source (None: no limit).

    The holder of a portal token has no source. `person` is the name of a person whom the issuer of JWTs has signed in;
    `key_id` is then the person's own.
    """

    key_id: str
    source: str
    scopes: frozenset[str]
    metrics: frozenset[str] | None = None
    plans: frozenset[str] | None = None
    subscriptions: frozenset[str] | None = None
    person: str | None = field(default=None, kw_only=True)

    @property
    def is_portal(self) -> bool:
        """Whether it is the holder of a portal token."""
        return not self.source

    @property
    def actor(self) -> str:
        """What logs and histories call it: the person, else the ID of the API key."""
        return self.person or self.key_id

    @property
    def is_admin(self) -> bool:
        """Whether it may act for every source, within the limits of its own."""
        return ADMIN in self.scopes

    @property
    def is_operator(self) -> bool:
        """Whether it may do everything: it has the scope `admin`, and its source has no limits."""
        return self.is_admin and not self.is_limited

    @property
    def is_limited(self) -> bool:
        """Whether its source has any limit."""
        return self.metrics is not None or not self.sees_every_subscription

    @property
    def sees_every_subscription(self) -> bool:
        """Whether its source has neither a limit on plans nor one on subscriptions."""
        return self.plans is None and self.subscriptions is None

    @property
    def limits_text(self) -> str:
        """The limits of its source as text, empty if it has none."""
        limits = (self.metrics, self.plans, self.subscriptions)
        return repr([limit and sorted(limit) for limit in limits]) if self.is_limited else ""

    def require(self, scope: str) -> None:
        """Raise `Forbidden` unless the key has `scope` (or `admin`, which implies every other).

        What requires the scope `admin` concerns every subscription, so a source with limits may not do it. Endpoints
        and their events are shared by all people, so a person who is limited to subscriptions may not use them.
        """
        if scope not in self.scopes and ADMIN not in self.scopes:
            raise Forbidden(f"API key lacks the scope {scope}", code="missing_scope")
        if scope == ADMIN and self.is_limited:
            message = "The source of this API key is limited: only a key of a source without limits may do this"
            raise Forbidden(message, code="limited_source")
        if scope == WEBHOOKS and self.person is not None and not self.sees_every_subscription:
            message = "All people share their endpoints: only a person who may use every subscription may use them"
            raise Forbidden(message, code="limited_source")

    def may_use_metric(self, code: str) -> bool:
        """Return whether its source may use the metric `code`."""
        return self.metrics is None or code in self.metrics

    def may_use_plan(self, plan: str) -> bool:
        """Return whether its source may use subscriptions on `plan`."""
        return self.plans is None or plan in self.plans

    def may_use_subscription(self, subscription: str, *, plan: str) -> bool:
        """Return whether its source may use the subscription with this ID (not an alias), on `plan`."""
        return self.may_use_plan(plan) and (self.subscriptions is None or subscription in self.subscriptions)
