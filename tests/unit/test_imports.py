"""Test what each function imports at its start: a cold start is mostly imports.

Each function is imported in a fresh process. What is forbidden here is either not needed, or loaded by the first
request that needs it.
"""

import json
import os
import subprocess
import sys
from functools import cache

import pytest

# Every function does without these: boto3's resources, the tracer, and what only a test or a tool needs.
NOWHERE = {
    "aws_lambda_powertools.utilities.validation",
    "aws_xray_sdk",
    "boto3",
    "cryptography",
    "email_validator",
    "jsonschema",
    "jwt",
    "local",
    "moto",
    "numpy",
    "pytest",
    "yaml",
}

FORBIDDEN = {
    "ingest": {
        "aws_lambda_powertools",
        "functions.admin",
        "functions.rate",
        "functions.relay",
        "fusion_billing.catalog.validation",
        "fusion_billing.odoo",
        "fusion_billing.rating",
        "fusion_billing.webhooks",
        "pydantic",
        "requests",
        "tzdata",
        "zoneinfo",
    },
    "rate": {
        "aws_lambda_powertools.event_handler",
        "functions.admin",
        "functions.ingest",
        "functions.relay",
        "fusion_billing.odoo",
        "fusion_billing.outbound",
        "requests",
    },
    "relay": {
        "aws_lambda_powertools.event_handler",
        "functions.admin",
        "functions.ingest",
        "functions.rate",
        "functions.relay.deliveries",
        "fusion_billing.catalog.validation",
        "fusion_billing.application.sync_subscriptions",
        "fusion_billing.outbound",
        "fusion_billing.rating",
        "pydantic",
    },
    "admin": {
        "botocore.session",
        "functions.admin.routes",
        "functions.ingest",
        "functions.rate",
        "functions.relay",
        "fusion_billing.odoo",
        "fusion_billing.outbound",
        "fusion_billing.rating",
        "requests",
    },
}


@cache
def loaded(function: str) -> frozenset[str]:
    """Return the modules that are loaded in a fresh process after it imported a function's handler."""
    code = f"import functions.{function}.handler, json, sys; print(json.dumps(sorted(sys.modules)))"
    settings = {"PYTHONPATH": os.environ.get("PYTHONPATH", "")}
    settings |= {"POWERTOOLS_METRICS_NAMESPACE": "FusionBilling", "POWERTOOLS_SERVICE_NAME": function}
    done = subprocess.run([sys.executable, "-c", code], env=settings, capture_output=True, text=True, check=True)
    modules: list[str] = json.loads(done.stdout)
    return frozenset(modules)


@pytest.mark.parametrize("function", FORBIDDEN)
def test_a_function_loads_only_what_its_start_needs(function: str) -> None:
    barred = FORBIDDEN[function] | NOWHERE
    found = {
        module for module in loaded(function) if any(module == name or module.startswith(f"{name}.") for name in barred)
    }

    assert found == set()


@pytest.mark.parametrize("function", ["ingest", "relay"])
def test_of_the_catalog_only_plain_constants_are_loaded(function: str) -> None:
    prefix = "fusion_billing.catalog."
    found = {module.removeprefix(prefix) for module in loaded(function) if module.startswith(prefix)}

    assert found <= {"identifiers", "levels"}


@pytest.mark.parametrize("function", FORBIDDEN)
def test_the_handler_is_loaded(function: str) -> None:
    assert f"functions.{function}.handler" in loaded(function)


def test_ingest_loads_botocore_and_little_of_ours() -> None:
    ours = {module for module in loaded("ingest") if module.startswith(("functions", "fusion_billing"))}

    assert "botocore.session" in loaded("ingest")
    assert {module.split(".")[1] for module in ours if module.startswith("fusion_billing.")} <= {
        "access", "catalog", "compiled_dataclasses", "decimals", "dynamodb", "error_codes", "errors", "http",
        "instants", "json_types", "lambda_context", "metering", "retry", "settings", "snapshots", "strict_json",
    }  # fmt: skip


@pytest.mark.parametrize("function", FORBIDDEN)
def test_garbage_is_rarely_collected_while_a_function_starts(function: str) -> None:
    code = f"import functions.{function}, gc; print(gc.get_threshold()[0])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert int(done.stdout) >= 150_000
