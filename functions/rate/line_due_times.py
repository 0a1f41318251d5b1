"""Compute when the order line of a changed rating is due, by the setting LINE_CADENCE."""

from dataclasses import dataclass
from datetime import datetime

from fusion_billing.billing.rating import StoredRating
from fusion_billing.billing.rating_document import RatingDocument
from fusion_billing.odoo_lines.line_cadence import LineCadence, send_at


@dataclass(frozen=True, slots=True)
class LineDueTimes:
    """The cadence of one message; `at_once` for a run on demand."""

    cadence: LineCadence = "hourly"
    at_once: bool = False

    def of(self, document: RatingDocument, stored: StoredRating | None, now: datetime) -> datetime:
        """Return when the line of the rating in `document` is due, `stored` being the version before it.

        A line that is already due keeps its time if that is earlier. If Odoo creates no further invoice by itself
        (the subscription has ended), the line is sent at once.
        """
        if self.at_once or document.needs_final_invoice:
            return now
        line = None if stored is None else stored.line
        is_first = line is None or line.version is None
        at = send_at(self.cadence, now=now, period_end=document.period_end, is_first=is_first)
        waiting_for = line.at if line is not None and line.state == "due" else None
        return at if waiting_for is None else min(at, waiting_for)
