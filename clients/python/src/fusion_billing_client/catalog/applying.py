"""Apply a plan: put what differs, each guarded by the version that the plan saw."""

from collections.abc import Collection, Sequence

from fusion_billing_client._sync.client import Client
from fusion_billing_client.catalog.planning import Step
from fusion_billing_client.catalog.state import State
from fusion_billing_client.errors import ConflictError, NotFoundError, VersionConflictError


class ChangedSincePlan(Exception):
    """Someone changed a definition after the plan was made."""


class ConfirmationRequired(Exception):
    """A change of what open periods are rated as was not confirmed."""


def apply(
    client: Client, steps: Sequence[Step], state: State, *, confirmed: Collection[str], reason: str | None
) -> int:
    """Apply the steps of a plan in their order; return how many changed something.

    The state is stored after each, so that an interrupted run goes on where it stopped. Raises `ChangedSincePlan`
    and `ConfirmationRequired` before the step that they are about.
    """
    unconfirmed = sorted({name for step in steps for name in step.confirm - set(confirmed)})
    if unconfirmed:
        raise ConfirmationRequired(",".join(unconfirmed))
    done = 0
    for step in sorted(steps, key=lambda step: step.action == "delete"):
        if step.action in {"create", "update"}:
            state.versions[step.name] = _put(client, step, reason)
        elif step.action == "delete":
            _delete(client, step, reason)
            state.versions.pop(step.name, None)
        elif step.action == "unchanged" and step.version is not None:
            state.versions[step.name] = step.version
        done += step.action in {"create", "update", "delete"}
        if step.action != "unmanaged":
            state.store()
    return done


def _put(client: Client, step: Step, reason: str | None) -> int:
    """Put the definitions of a step; return the version that the last one made."""
    resource = client.metrics if step.kind == "metrics" else client.charges
    version = step.version
    if version is None:
        _check_absent(client, step)
    for definition in step.puts:
        guarded = definition if version is None else {**definition, "version": version}
        try:
            version = resource.put(step.code, guarded, confirm=sorted(step.confirm), reason=reason).version
        except VersionConflictError as conflict:
            # The put may have been repeated after its response was lost: then this is our own change.
            if resource.preview(step.code, definition).outcome != "unchanged":
                raise ChangedSincePlan(f"{step.name}: changed since the plan ({conflict.detail})") from None
            version = resource.get(step.code).version
    return version or 0


def _check_absent(client: Client, step: Step) -> None:
    resource = client.metrics if step.kind == "metrics" else client.charges
    try:
        found = resource.get(step.code)
    except NotFoundError:
        return
    raise ChangedSincePlan(f"{step.name}: was created since the plan (version {found.version})")


def _delete(client: Client, step: Step, reason: str | None) -> None:
    resource = client.metrics if step.kind == "metrics" else client.charges
    try:
        found = resource.get(step.code)
    except NotFoundError:
        return
    if found.version != step.version:
        raise ChangedSincePlan(f"{step.name}: changed since the plan (version {found.version})")
    try:
        resource.delete(step.code, reason=reason)
    except ConflictError as conflict:
        raise ValueError(f"{step.name}: can't be deleted: {conflict.detail}") from None
