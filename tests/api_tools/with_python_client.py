"""Use a client that openapi-python-client has generated: `with_python_client.py URL KEY`."""
# mypy: ignore-errors, disable-error-code="import-not-found"

import datetime as dt
import sys

from generated_client.api.catalog import get_metrics, put_metrics_code
from generated_client.api.usage import post_usage
from generated_client.client import AuthenticatedClient
from generated_client.models import MetricDefinition, MetricDefinitionAggregation, PushedRecord

client = AuthenticatedClient(base_url=sys.argv[1], token=sys.argv[2])
definition = MetricDefinition(name="Exports", unit="export", aggregation=MetricDefinitionAggregation.SUM)
put = put_metrics_code.sync_detailed("exports", client=client, body=definition)
assert put.status_code == 201, put

page = get_metrics.sync(client=client)
assert "exports" in {metric.code for metric in page.items}, page

start = dt.datetime(2026, 11, 3, tzinfo=dt.UTC)
record = PushedRecord(
    idempotency_key="python:1",
    subscription="4101",
    metric="exports",
    period_start=start,
    period_end=start + dt.timedelta(days=1),
    quantity="1250.5",
)
pushed = post_usage.sync_detailed(client=client, body=record)
assert pushed.status_code == 201, pushed
assert pushed.parsed.outcome == "created", pushed
