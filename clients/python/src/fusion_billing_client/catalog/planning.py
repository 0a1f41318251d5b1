"""Compare the files of a catalog with a service: what would change, in money, and what drifted."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from fusion_billing_client._sync.client import Client
from fusion_billing_client.catalog.files import Defined, Definition
from fusion_billing_client.errors import APIError
from fusion_billing_client.models import Charge, DryRun, Metric

Action = Literal["create", "update", "unchanged", "delete", "unmanaged"]


@dataclass(frozen=True)
class FieldChange:
    """One field that changes."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Step:
    """What `apply` does with one definition.

    Attributes:
        kind: `metrics` or `charges`.
        code: Its code.
        action: What happens.
        version: The stored version that the plan was made for; None if nothing is stored.
        puts: The definitions to put, in their order.
        fields: What changes.
        effects: The service's dry runs, with the amounts before and after.
        drift: What changed in the service since the files were last applied; empty if nothing did.
        note: What else to know.
    """

    kind: str
    code: str
    action: Action
    version: int | None = None
    puts: tuple[Definition, ...] = ()
    fields: tuple[FieldChange, ...] = ()
    effects: tuple[DryRun, ...] = ()
    drift: str = ""
    note: str = ""

    @property
    def name(self) -> str:
        """Return the name that plans show."""
        return f"{self.kind}/{self.code}"

    @property
    def confirm(self) -> frozenset[str]:
        """Return what the service wants confirmed."""
        return frozenset(name for effect in self.effects for name in effect.confirm)


class InvalidDefinition(ValueError):
    """The service rejects a definition; the message names the file and each field."""


def plan(client: Client, defined: Sequence[Defined], versions: dict[str, int], *, prune: bool = False) -> list[Step]:
    """Return a step for each definition of the files and of the service; raises `InvalidDefinition`."""
    stored: dict[str, Metric | Charge] = {f"metrics/{metric.code}": metric for metric in client.metrics.list()}
    stored |= {f"charges/{charge.code}": charge for charge in client.charges.list()}
    new_metrics = {each.code for each in defined if each.kind == "metrics" and each.name not in stored}
    steps = [_step(client, each, stored.get(each.name), versions.get(each.name), new_metrics) for each in defined]
    named = {each.name for each in defined}
    others = {name: found for name, found in stored.items() if name not in named}
    return [*steps, *_others(client, others, versions, prune=prune)]


def _step(
    client: Client, defined: Defined, stored: Metric | Charge | None, applied: int | None, new_metrics: set[str]
) -> Step:
    resource = client.metrics if defined.kind == "metrics" else client.charges
    puts: list[Definition] = []
    effects: list[DryRun] = []
    fields: list[FieldChange] = []
    note = _missing_versions(defined, stored)
    for version in defined.versions:
        if stored is None and version.get("metric") in new_metrics:
            puts.append(version)  # its metric does not exist yet, so the service can't try it
            fields += _changes(version, {}, sorted(version))
            note = "amounts are not known before its metric exists"
            continue
        try:
            effect = resource.preview(defined.code, version)
        except APIError as error:
            raise InvalidDefinition(_in_words(defined, error)) from None
        if effect.outcome != "unchanged":
            puts.append(version)
            effects.append(effect)
            fields += _changes(version, _stored_version(stored, version), effect.changed_fields)
    action: Action = "create" if stored is None else "update" if puts else "unchanged"
    return Step(
        kind=defined.kind,
        code=defined.code,
        action=action,
        version=None if stored is None else stored.version,
        puts=tuple(puts),
        fields=tuple(fields),
        effects=tuple(effects),
        drift=_drift(client, defined.name, stored, applied),
        note=note,
    )


def _others(
    client: Client, stored: dict[str, Metric | Charge], versions: dict[str, int], *, prune: bool
) -> Iterator[Step]:
    """Yield what the service has and the files don't: charges first, for they use metrics."""
    for name, found in sorted(stored.items()):
        kind, _, code = name.partition("/")
        was_applied = name in versions
        yield Step(
            kind=kind,
            code=code,
            action="delete" if prune and was_applied else "unmanaged",
            version=found.version,
            drift=_drift(client, name, found, versions.get(name)),
            note="removed from the files: --prune deletes it" if was_applied and not prune else "",
        )


def _drift(client: Client, name: str, stored: Metric | Charge | None, applied: int | None) -> str:
    if applied is None:
        return ""
    if stored is None:
        return "deleted in the service"
    if stored.version == applied:
        return ""
    kind, _, code = name.partition("/")
    whole = client.metrics.get(code) if kind == "metrics" else client.charges.get(code)  # a list has no history
    later = [change for change in whole.history if change.version > applied]
    who = f" by {later[-1].actor} at {later[-1].changed_at:%Y-%m-%dT%H:%M:%SZ}: {later[-1].cause}" if later else ""
    return f"changed in the service{who} (version {stored.version}, applied was {applied})"


def _missing_versions(defined: Defined, stored: Metric | Charge | None) -> str:
    if not isinstance(stored, Charge):
        return ""
    starts = {_start(version) for version in defined.versions}
    missing = [_start(version) or "ever" for version in stored.versions if _start(version) not in starts]
    return f"the service has a version since {', '.join(missing)} too: fusion pull writes it" if missing else ""


def _start(version: Any) -> str | None:
    found = version.get("valid_from")
    return None if found is None else str(found).replace("T00:00:00Z", "").removesuffix("T00:00:00+00:00")


def _stored_version(stored: Metric | Charge | None, version: Definition) -> Any:
    if isinstance(stored, Charge):
        return next((found for found in stored.versions if _start(found) == _start(version)), {})
    return {} if stored is None else stored.raw


def _changes(version: Definition, before: Any, names: Sequence[str]) -> list[FieldChange]:
    return [FieldChange(name, before.get(name), version.get(name)) for name in names if name != "code"]


def _in_words(defined: Defined, error: APIError) -> str:
    faults = "; ".join(f"{fault.field} {fault.message}".strip() for fault in error.errors[:5]) or error.detail
    return f"{defined.file}: {defined.kind}.{defined.code}: {faults}"
