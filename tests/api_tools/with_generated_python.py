"""Use a client that openapi-generator has generated: `with_generated_python.py URL KEY`."""
# mypy: ignore-errors, disable-error-code="import-not-found"

import datetime as dt
import sys

from generated_client import ApiClient, CatalogApi, Configuration, MetricDefinition, UsageApi
from generated_client.models.push import Push
from generated_client.models.pushed_record import PushedRecord
from generated_client.models.pushed_record_quantity import PushedRecordQuantity

client = ApiClient(Configuration(host=sys.argv[1], access_token=sys.argv[2]))
catalog = CatalogApi(client)
definition = MetricDefinition(name="Exports", unit="export", aggregation="sum")
put = catalog.put_metrics_code_with_http_info("exports", definition)
assert put.status_code == 201, put

assert "exports" in {metric.code for metric in catalog.get_metrics().items}

start = dt.datetime(2026, 11, 3, tzinfo=dt.UTC)
record = PushedRecord(
    idempotency_key="generated:1",
    subscription="4101",
    metric="exports",
    period_start=start,
    period_end=start + dt.timedelta(days=1),
    quantity=PushedRecordQuantity("1250.5"),
)
pushed = UsageApi(client).post_usage_with_http_info(Push(record))
assert pushed.status_code == 201, pushed
