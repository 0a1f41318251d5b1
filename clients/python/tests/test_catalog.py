"""The catalog as code on the real service: plans in money, drift, guards, and files that keep their comments."""

import json
import uuid
from decimal import Decimal
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from fusion_billing_client import catalog as catalog_package
from tests.conftest import ROOT, Service
from tests.test_cli import Run, fusion

__all__ = ["fusion"]


@pytest.fixture
def code() -> str:
    return f"c{uuid.uuid4().hex[:10]}"


def files(code: str, price: str = "0.004", **changed: str) -> str:
    fields = {"name": "Calls", "plan": "Nobody", **changed}
    return f"""# What we sell
metrics:
  {code}:
    name: {fields["name"]}  # as invoices show it
    unit: call
    aggregation: sum

charges:
  {code}:
    name: Calls
    metric: {code}
    applies_to: {{plans: [{fields["plan"]}]}}
    currency: USD
    odoo_product_id: 701
    included_units: 1000
    model:
      type: per_unit
      unit_amount: {price}  # a unit
"""


def test_plan_apply_and_again(fusion: Run, code: str, tmp_path: Path, service: Service) -> None:
    (tmp_path / "catalog.yaml").write_text(files(code))
    planned = fusion("plan", "catalog.yaml")
    assert f"+ metrics/{code} (create)" in planned.out
    assert "2 to create" in planned.out
    assert fusion("plan", "catalog.yaml", "--exit-status").status == 3
    assert fusion("apply", "catalog.yaml").err == "fusion: --yes: add it to apply without a terminal to ask on\n"
    assert "Applied 2 changes" in fusion("apply", "catalog.yaml", "--yes", "--reason", "launch").out
    assert service.client.charges.get(code).history[-1].reason == "launch"
    assert service.client.charges.get(code).model["unit_amount"] == "0.004"
    again = fusion("apply", "catalog.yaml", "--yes")
    assert again.out.startswith("No changes")
    assert service.client.charges.get(code).version == 1
    assert fusion("plan", "catalog.yaml", "--exit-status").status == 0


def test_a_plan_shows_a_price_change_in_money(fusion: Run, code: str, tmp_path: Path, service: Service) -> None:
    (tmp_path / "catalog.yaml").write_text(files(code, plan="Pro"))
    assert fusion("apply", "catalog.yaml", "--yes").status == 0
    stored = service.client.subscriptions.get("4104")
    assert stored.open_period is not None
    record = {
        "idempotency_key": uuid.uuid4().hex,
        "subscription": "4104",
        "metric": code,
        "period_start": stored.open_period["start"],
        "period_end": stored.open_period["end"],
        "quantity": 2_000,
    }
    assert service.client.usage.push([record]).rejected == ()
    (tmp_path / "catalog.yaml").write_text(files(code, price="0.006", plan="Pro"))
    planned = fusion("plan", "catalog.yaml")
    assert "open periods: 4.00 -> 6.00 USD (+2.00), 1 of 2 subscriptions" in planned.out
    assert f"4104 {code}: 4.00 -> 6.00" in planned.out
    assert "1 to update" in planned.out
    assert fusion("apply", "catalog.yaml", "--yes").status == 0
    service.client.charges.put(code, {**definition(service, code), "active": False})


def definition(service: Service, code: str) -> dict[str, object]:
    raw = dict(service.client.charges.get(code).raw)
    for name in ("versions", "history"):
        raw.pop(name, None)
    return raw


def test_drift_is_shown_and_a_change_since_the_plan_is_refused(
    fusion: Run, code: str, tmp_path: Path, service: Service
) -> None:
    (tmp_path / "catalog.yaml").write_text(files(code))
    fusion("apply", "catalog.yaml", "--yes")
    service.client.charges.put(code, {**definition(service, code), "included_units": "5"})
    planned = fusion("plan", "catalog.yaml")
    assert f"~ charges/{code} (update)\n    drift: changed in the service by " in planned.out
    assert "included_units: 5 -> 1000" in planned.out
    assert "1 drifted" in planned.out
    assert fusion("apply", "catalog.yaml", "--yes").status == 0
    assert service.client.charges.get(code).included_units == Decimal(1000)
    assert fusion("plan", "catalog.yaml", "--exit-status").status == 0


def test_a_change_of_what_is_rated_must_be_confirmed(fusion: Run, code: str, tmp_path: Path) -> None:
    (tmp_path / "catalog.yaml").write_text(files(code))
    fusion("apply", "catalog.yaml", "--yes")
    (tmp_path / "catalog.yaml").write_text(files(code).replace("aggregation: sum", "aggregation: max"))
    refused = fusion("apply", "catalog.yaml", "--yes")
    assert refused.status == 1
    assert refused.err == ("fusion: confirm: this changes what open periods are rated as. Add --confirm aggregation\n")
    assert fusion("apply", "catalog.yaml", "--yes", "--confirm", "aggregation").status == 0


def test_pull_keeps_comments_and_plans_to_no_changes(fusion: Run, code: str, tmp_path: Path, service: Service) -> None:
    (tmp_path / "catalog.yaml").write_text(files(code))
    fusion("apply", "catalog.yaml", "--yes")
    service.client.metrics.put(code, {"name": "Calls of the API", "unit": "call", "aggregation": "sum"})
    assert fusion("pull", "catalog.yaml").out == f"Wrote {Path('catalog.yaml')}\n"
    text = (tmp_path / "catalog.yaml").read_text()
    assert "# What we sell" in text
    assert "name: Calls of the API # as invoices show it" in text
    assert "unit_amount: 0.004  # a unit" in text
    assert fusion("plan", "catalog.yaml", "--exit-status").status == 0
    assert fusion("pull", "catalog.yaml").out == "No changes\n"


def test_prune_deletes_only_what_was_applied_before(fusion: Run, code: str, tmp_path: Path, service: Service) -> None:
    (tmp_path / "catalog.yaml").write_text(files(code))
    fusion("apply", "catalog.yaml", "--yes")
    (tmp_path / "catalog.yaml").write_text("metrics: {}\n")
    assert "removed from the files: --prune deletes it" in fusion("plan", "catalog.yaml").out
    assert "2 to delete" in fusion("plan", "catalog.yaml", "--prune").out
    assert fusion("apply", "catalog.yaml", "--prune", "--yes").status == 0
    codes = {metric.code for metric in service.client.metrics.list()}
    assert code not in codes
    assert "api_calls" in codes


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("metrics: [", "catalog.yaml:1: is not valid YAML"),
        ("metrics:\n  a: {name: x}\n  a: {name: y}\n", "catalog.yaml:3: is not valid YAML"),
        ("metric: {}", "catalog.yaml: 'metric' is not known here"),
        ("metrics: {a: 7}", "catalog.yaml: metrics.a must be a mapping of fields"),
        ("metrics: {a: {name: x, aggregation: product}}", "catalog.yaml: metrics.a: aggregation must be"),
        ("- a", "catalog.yaml: must have the top-level keys"),
    ],
)
def test_a_wrong_file_is_named_with_the_place(fusion: Run, tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "catalog.yaml").write_text(text)
    done = fusion("plan", "catalog.yaml")
    assert (done.status, done.err.count("\n")) == (1, 1)
    assert done.err.startswith(f"fusion: {message}")


def test_the_shipped_schema_is_what_the_service_takes_and_the_example_fits_it(service: Service) -> None:
    schema = json.loads((Path(catalog_package.__file__).parent / "schema.json").read_text())
    Draft202012Validator.check_schema(schema)
    offered = service.client.openapi()["components"]["schemas"]
    for name in ("MetricDefinition", "ChargeDefinition"):
        assert set(schema["$defs"][name]["properties"]) == set(offered[name]["properties"]) - {
            "code",
            "version",
            "versions",
            "history",
        }
    example = YAML(typ="safe").load((ROOT / "examples" / "catalog" / "catalog.yaml").read_text())
    assert list(Draft202012Validator(schema).iter_errors(example)) == []


def test_the_example_is_the_catalog_of_the_demo(fusion: Run) -> None:
    done = fusion("plan", str(ROOT / "examples" / "catalog"), "--json")
    actions = {step["name"]: step["action"] for step in done.json}
    assert actions["charges/api_calls_pro"] == "unchanged"
    assert actions["charges/storage"] == "unchanged"
    assert actions["metrics/api_calls"] == "unchanged"
