"""What the tools find in the template, and the findings that are accepted for a reason."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import yaml

EXCEPTIONS = Path(__file__).with_name("exceptions.yaml")


class Finding(NamedTuple):
    """A check that a resource (by its logical ID) does not pass."""

    check: str
    resource: str
    message: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """A check that some resources need not pass, and why."""

    check: str
    resources: frozenset[str]
    reason: str


def exceptions(text: str) -> list[Accepted]:
    """Return the exceptions in a YAML document; raises `ValueError` if one has no reason or names no resource."""
    found = []
    for entry in yaml.safe_load(text):
        exception = Accepted(entry["check"], frozenset(entry["resources"]), " ".join(entry.get("reason", "").split()))
        if not exception.reason or not exception.resources:
            raise ValueError(f"The exception to {exception.check} must name its resources and its reason")
        found.append(exception)
    return found


def complaints(found: Iterable[Finding], accepted: Iterable[Accepted]) -> Iterator[str]:
    """Yield what is to be corrected: findings that no exception accepts, and exceptions that accept nothing."""
    findings = sorted(set(found))
    allowed = {(exception.check, resource) for exception in accepted for resource in exception.resources}
    for finding in findings:
        if (finding.check, finding.resource) not in allowed:
            yield f"{finding.resource}: {finding.message} ({finding.check})"
    present = {(finding.check, finding.resource) for finding in findings}
    for check, resource in sorted(allowed - present):
        yield f"{resource}: passes {check}: remove it from the exception in {EXCEPTIONS.name}"
