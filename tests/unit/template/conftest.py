"""The template as CloudFormation gets it: translated by SAM's own translator, offline."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from samtranslator.translator.transform import transform  # type: ignore[import-untyped]
from samtranslator.yaml_helper import yaml_parse  # type: ignore[import-untyped]

Translate = Callable[..., dict[str, Any]]
TEMPLATE = Path(__file__).parents[3] / "template.yaml"


class NoManagedPolicies:
    """Nothing to look up: the template names no managed policy."""

    def load(self) -> dict[str, str]:
        return {}


@pytest.fixture(scope="session")
def source() -> dict[str, Any]:
    """The template as written, its intrinsics as dictionaries."""
    parsed: dict[str, Any] = yaml_parse(TEMPLATE.read_text())
    return parsed


def translated(
    parameters: Mapping[str, str], change: Callable[[dict[str, Any]], object] = lambda _: None
) -> dict[str, Any]:
    """Return the template as translated with these parameters; `change` edits it first, its artifacts uploaded."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        parsed = yaml_parse(TEMPLATE.read_text())
        for resource in parsed["Resources"].values():
            for name in ("CodeUri", "ContentUri"):
                if name in resource.get("Properties", {}):
                    resource["Properties"][name] = "s3://bucket/artefact"
        change(parsed)
        result: dict[str, Any] = transform(parsed, dict(parameters), NoManagedPolicies())
        return result


@pytest.fixture(scope="session")
def template() -> dict[str, Any]:
    """The template as translated, its resources plain CloudFormation."""
    return translated({})


@pytest.fixture(scope="session")
def translate() -> Translate:
    """The translation itself, for other parameters or a changed template."""
    return translated


@pytest.fixture(scope="session")
def resources(template: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The translated resources by logical id."""
    found: dict[str, dict[str, Any]] = template["Resources"]
    return found
