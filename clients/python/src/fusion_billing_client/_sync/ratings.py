"""Ratings over all subscriptions, rating runs and estimates."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from fusion_billing_client import encoding
from fusion_billing_client._sync.transport import Resource
from fusion_billing_client.models import Estimate, Overview, Rating, Run
from fusion_billing_client.requests import Request


class Ratings(Resource):
    """The routes of ratings that are not about one subscription."""

    def list(
        self,
        *,
        period_end_from: datetime | str,
        period_end_to: datetime | str,
        state: str | None = None,
        plan: str | None = None,
        charge: str | None = None,
        page_size: int | None = None,
    ) -> Iterator[Rating]:
        """Yield the ratings of all subscriptions whose periods end in `[period_end_from, period_end_to)`."""
        query = {
            "period_end_from": period_end_from,
            "period_end_to": period_end_to,
            "state": state,
            "plan": plan,
            "charge": charge,
        }
        return self._all(Rating, "/v1/ratings", query=query, page_size=page_size)

    def csv(self, **filters: Any) -> str:
        """Return one page of `list` as CSV, with the same filters and `limit` and `cursor`."""
        request = Request("GET", "/v1/ratings", encoding.query(filters), accept="text/csv")
        response = self._transport.send(request)
        return response.text

    def overview(self) -> Overview:
        """Return what is owed and what needs attention; it takes about a second while amounts are added up."""
        return self._one(Overview, "GET", "/v1/overview")

    def run(self, subscription: str | None = None, *, sweep: bool | None = None) -> Run:
        """Rate now what the schedule would rate; `get_run` shows what remains."""
        body = {name: value for name, value in (("subscription", subscription), ("sweep", sweep)) if value is not None}
        return self._one(Run, "POST", "/v1/ratings/run", body=body)

    def get_run(self, run: str) -> Run:
        """Return a run."""
        return self._one(Run, "GET", "/v1/ratings/runs/{run}", {"run": run})

    def estimate(self, request: Mapping[str, Any]) -> Estimate:
        """Estimate the amount of units, of records, or of a period's stored usage; nothing is stored."""
        return self._one(Estimate, "POST", "/v1/estimates", body=request)
