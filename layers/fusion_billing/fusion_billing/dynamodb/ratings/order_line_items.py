"""A rating's item as the relay sees it: the line it is to become, and what Odoo holds of it."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from fusion_billing.billing.rating import RatingKey
from fusion_billing.billing.rating_document import RatingDocument
from fusion_billing.decimals import plain
from fusion_billing.dynamodb import keys
from fusion_billing.dynamodb.attributes import Item
from fusion_billing.dynamodb.ratings.packed_documents import read_documents
from fusion_billing.dynamodb.ratings.period_lines import PeriodLines, has_own_line, with_line
from fusion_billing.instants import rfc3339

FAILED = "failed"
STORED_FAILED = keys.FAILED_LINES_PARTITION
"""How a failed line is stored: its state, and its partition in the index."""
STORED_NONE = "none"
"""How it is stored that a line was moved onto its rating's item and has no state."""
CHANGED = keys.CHANGED_LINES_PARTITION
"""The partition of lines that were changed in Odoo and not repaired; their state stays what it was."""
FINAL_INVOICE = keys.FINAL_INVOICE_PARTITION
BY_ORDER_LINE = "order_line"
"""The state of a line in Odoo that only an operator can invoice."""

Form = tuple[Decimal, Decimal, Decimal]
"""Quantity, price and discount of an order line."""


@dataclass(frozen=True, slots=True)
class Intent:
    """What a call was about to put onto `order`: while it stands, Odoo may hold it or not."""

    version: int
    amount: str
    digest: str
    order: int
    at: datetime

    def text(self) -> str:
        """Return it as it is stored."""
        return json.dumps(
            {
                "version": self.version,
                "amount": self.amount,
                "digest": self.digest,
                "order": self.order,
                "at": rfc3339(self.at),
            },
            separators=(",", ":"),
        )

    @classmethod
    def of(cls, text: str) -> "Intent":
        """Return the intent that was stored as `text`."""
        stored = json.loads(text)
        return cls(
            int(stored["version"]),
            str(stored["amount"]),
            str(stored["digest"]),
            int(stored["order"]),
            datetime.fromisoformat(stored["at"]).astimezone(UTC),
        )


@dataclass(frozen=True, slots=True)
class StoredLine:
    """A rating's item as the relay sees it. `at` is when it is due, or since when it failed.

    `suffix` ends its external id, `is_plain` says that it came out as quantity 1 without a discount alone.
    `billed` is what Odoo's invoices hold of it, read `looks` times since it last changed. `form` is its
    quantity, price and discount as read back, None where that was not noted; `guard` are the notes of what
    was changed in Odoo since (`odoo_lines.line_guard`).
    """

    pk: str
    sk: str
    version: int
    amount: Decimal
    document_json: str
    state: str
    line_partition: str
    at: str
    frozen: bool = False
    sent_version: int | None = None
    sent_amount: Decimal | None = None
    odoo_id: int | None = None
    odoo_order: int | None = None
    digest: str | None = None
    error: str | None = None
    message: str | None = None
    attempt_count: int = 0
    intent: Intent | None = None
    suffix: str = ""
    is_plain: bool = False
    billed: Decimal | None = None
    billed_state: str | None = None
    looks: int = 0
    form: Form | None = None
    guard: str | None = None
    sent_at: str | None = None
    is_shared: bool = False
    """Whether it is in one item with the other lines of its period, not on its rating's."""

    @property
    def key(self) -> RatingKey:
        """Return which rating this is."""
        subscription, start, charge, corrects = keys.parse_rating_key(self.pk, self.sk)
        return RatingKey(
            subscription,
            datetime.fromisoformat(start).astimezone(UTC),
            charge,
            datetime.fromisoformat(corrects).astimezone(UTC) if corrects else None,
        )

    @property
    def document(self) -> RatingDocument:
        """Return the rating's document, parsed anew; raises `UnreadableDocument`."""
        return RatingDocument.from_json(json.loads(self.document_json))

    @property
    def is_unresolved(self) -> bool:
        """Return whether it is unknown what Odoo holds of it."""
        return self.intent is not None or (self.odoo_id is None and self.odoo_order is not None)

    @property
    def order_it_may_be_on(self) -> int | None:
        """Return the order that the line stands on, or may stand on."""
        if self.odoo_order is not None:
            return self.odoo_order
        return self.intent.order if self.intent is not None else None


@dataclass(frozen=True, slots=True)
class Put:
    """What Odoo holds now: its line's id, its order (both None where it holds none), its amount.

    `digest` is that of the row sent, `form` its quantity, price and discount as read back.
    """

    odoo_id: int | None
    order: int | None
    amount: str
    digest: str
    suffix: str = ""
    is_plain: bool = False
    form: Form | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """What was seen to stand in Odoo where no version could be acknowledged: a line, or none."""

    odoo_id: int | None = None
    order: int | None = None
    amount: str = "0"

    def attributes(self) -> tuple[Item, list[str]]:
        """Return the attributes that say so: those to set, and those to remove."""
        if self.odoo_id is None or self.order is None:
            return {}, ["line_id", "line_order", "line_amount", "line_version", "line_digest", "line_form"]
        reported = {
            "line_id": {"N": str(self.odoo_id)},
            "line_order": {"N": str(self.order)},
            "line_amount": {"S": self.amount},
        }
        return reported, ["line_digest", "line_form"]


def read_line(item: Item, lines: PeriodLines | None = None) -> StoredLine:
    """Return an item as a line; `lines` are those of its period, unless its line is on the item itself.

    Raises `LineMoved` if the line was moved onto the item after that was read.
    """
    is_shared = not has_own_line(item)
    item = with_line(item, lines)
    intent = _text(item, "line_intent")
    return StoredLine(
        pk=item["pk"]["S"],
        sk=item["sk"]["S"],
        version=int(item["version"]["N"]),
        amount=Decimal(item["amount"]["S"]),
        document_json=read_documents(item)[0],
        state=read_state(_text(item, "line_state")) or "none",
        line_partition=_text(item, "line_pk") or "",
        at=_text(item, "line_at") or "",
        frozen="frozen" in item and bool(item["frozen"]["BOOL"]),
        sent_version=_whole(item, "line_version"),
        sent_amount=_decimal(item, "line_amount"),
        odoo_id=_whole(item, "line_id"),
        odoo_order=_whole(item, "line_order"),
        digest=_text(item, "line_digest"),
        error=_text(item, "line_error"),
        message=_text(item, "line_message"),
        attempt_count=_whole(item, "line_tries") or 0,
        intent=Intent.of(intent) if intent is not None else None,
        suffix=_text(item, "line_suffix") or "",
        is_plain="line_plain" in item and bool(item["line_plain"]["BOOL"]),
        billed=_decimal(item, "billed"),
        billed_state=_text(item, "billed_state"),
        looks=_whole(item, "billed_looks") or 0,
        form=_form(item),
        guard=_text(item, "line_guard"),
        sent_at=_text(item, "line_sent_at"),
        is_shared=is_shared,
    )


def read_state(stored: str | None) -> str | None:
    """Return a line's state as the service names it, of the one that is stored; None if it has none."""
    if stored == STORED_FAILED:
        return FAILED
    return None if stored == STORED_NONE else stored


def state_partition_name(state: str) -> str:
    """Return the partition of the lines of a state (`failed`, `final_invoice`, `changed`) in the index."""
    return STORED_FAILED if state == FAILED else state


def _text(item: dict[str, Any], name: str) -> str | None:
    return item[name]["S"] if name in item else None


def _whole(item: dict[str, Any], name: str) -> int | None:
    return int(item[name]["N"]) if name in item else None


def _decimal(item: dict[str, Any], name: str) -> Decimal | None:
    return Decimal(item[name]["S"]) if name in item else None


def _form(item: dict[str, Any]) -> Form | None:
    text = _text(item, "line_form")
    if text is None:
        return None
    quantity, price, discount = map(Decimal, text.split(" "))
    return quantity, price, discount


def noted(line: StoredLine, put: Put) -> Item:
    """Return the attributes that say what Odoo holds of this version of the line."""
    held: dict[str, Any] = {
        "line_version": {"N": str(line.version)},
        "line_amount": {"S": put.amount},
        "line_digest": {"S": put.digest},
    }
    if put.odoo_id is not None:
        held["line_id"] = {"N": str(put.odoo_id)}
    if put.order is not None:
        held["line_order"] = {"N": str(put.order)}
    if put.suffix:
        held["line_suffix"] = {"S": put.suffix}
    if put.is_plain:
        held["line_plain"] = {"BOOL": True}
    if put.form is not None:
        held["line_form"] = {"S": " ".join(map(plain, put.form))}
    return held
