"""A rating's item as the relay sees it: the line it is to become, and what Odoo holds of it."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from fusion_billing.billing.ratings import RatingKey
from fusion_billing.decimals import plain
from fusion_billing.instants import rfc3339

PARKED = "parked"

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class StoredLine:
    """A rating's item as the relay sees it. `at` is when it is due, or since when it is parked."""

    pk: str
    sk: str
    version: int
    amount: Decimal
    document: str
    state: str
    lane: str
    at: str
    frozen: bool = False
    sent_version: int | None = None
    sent_amount: Decimal | None = None
    odoo_id: int | None = None
    odoo_order: int | None = None
    digest: str | None = None
    base: Decimal | None = None
    error: str | None = None
    message: str | None = None
    tries: int = 0

    @property
    def key(self) -> RatingKey:
        """Return which rating this is."""
        _, subscription, start = self.pk.split("#")
        charge, _, corrects = self.sk.partition("@")
        return RatingKey(
            subscription,
            datetime.fromisoformat(start).astimezone(UTC),
            charge,
            datetime.fromisoformat(corrects).astimezone(UTC) if corrects else None,
        )

    @property
    def doc(self) -> dict[str, Any]:
        """Return the rating's document, parsed anew."""
        parsed = json.loads(self.document)
        return parsed if isinstance(parsed, dict) else {}


@dataclass(frozen=True, slots=True)
class Put:
    """What Odoo holds now: its line's id, its order (both None where it holds none), its amount.

    `digest` is that of the row sent; `base` is what of a rolling line was invoiced before.
    """

    odoo_id: int | None
    order: int | None
    amount: str
    digest: str
    base: Decimal | None = None


def lane_name(lane: int) -> str:
    """Return the partition of a lane's due lines in the index."""
    return f"due#{lane:02d}"


def key_of(key: RatingKey) -> Key:
    """Return the keys of a rating's item."""
    return f"R#{key.subscription}#{rfc3339(key.period_start)}", key.name


def read_line(item: dict[str, Any]) -> StoredLine:
    """Return an item as a line."""
    return StoredLine(
        pk=item["pk"]["S"],
        sk=item["sk"]["S"],
        version=int(item["version"]["N"]),
        amount=Decimal(item["amount"]["S"]),
        document=item["doc"]["S"],
        state=_text(item, "line_state") or "none",
        lane=_text(item, "line_pk") or "",
        at=_text(item, "line_at") or "",
        frozen="frozen" in item and bool(item["frozen"]["BOOL"]),
        sent_version=_whole(item, "line_version"),
        sent_amount=Decimal(item["line_amount"]["S"]) if "line_amount" in item else None,
        odoo_id=_whole(item, "line_id"),
        odoo_order=_whole(item, "line_order"),
        digest=_text(item, "line_digest"),
        base=Decimal(item["line_base"]["S"]) if "line_base" in item else None,
        error=_text(item, "line_error"),
        message=_text(item, "line_message"),
        tries=_whole(item, "line_tries") or 0,
    )


def _text(item: dict[str, Any], name: str) -> str | None:
    return item[name]["S"] if name in item else None


def _whole(item: dict[str, Any], name: str) -> int | None:
    return int(item[name]["N"]) if name in item else None


def noted(line: StoredLine, put: Put) -> dict[str, Any]:
    """Return the attributes that say what Odoo holds of this version of the line."""
    held = {
        "line_version": {"N": str(line.version)},
        "line_amount": {"S": put.amount},
        "line_digest": {"S": put.digest},
    }
    if put.odoo_id is not None:
        held["line_id"] = {"N": str(put.odoo_id)}
    if put.order is not None:
        held["line_order"] = {"N": str(put.order)}
    if put.base is not None:
        held["line_base"] = {"S": plain(put.base)}
    return held
