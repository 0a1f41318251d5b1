"""A rating as an item of the ratings table (docs/data-model.md, Ratings), both ways, written by hand."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from fusion_billing.billing.decisions import LineMove, NewVersion
from fusion_billing.billing.rating import HistoryEntry, Line, RatingKey, StoredRating
from fusion_billing.dynamodb import keys
from fusion_billing.dynamodb.attributes import Item, ItemView, integer, optional_integer
from fusion_billing.dynamodb.ratings.order_line_items import read_state
from fusion_billing.dynamodb.ratings.packed_documents import pack, read_documents
from fusion_billing.dynamodb.ratings.period_lines import PeriodLines, has_own_line, with_line
from fusion_billing.dynamodb.ratings.rating_parts import parts_name
from fusion_billing.instants import rfc3339, sortable

LINE_GONE: dict[LineMove, tuple[str, ...]] = {
    "due": ("line_error", "line_message", "line_rated"),
    "waiting": ("line_pk", "line_at", "line_error", "line_message", "line_rated"),
    "none": ("line_pk", "line_at", "line_error", "line_message", "line_rated"),
    "keep": (),
}
"""The attributes of a line that a move removes."""

_TEXTS = ("doc", "hist")
"""How earlier releases stored the document and the history."""


class DueLine(NamedTuple):
    """Where in the index `lines` a due line is listed, and when it is to be sent."""

    partition: str
    at: datetime


def version_values(decision: NewVersion, stored: StoredRating | None, due: DueLine, now: datetime) -> Item:
    """Return the attributes of a new version, and of its line if it is on the same item; `due` is when it is due."""
    rated = decision.computed_rating
    at = rfc3339(now.replace(microsecond=0))  # a history of whole seconds is half as long
    entry = HistoryEntry(decision.version, rated.document.units, rated.document.amount, at, rated.cause)
    history = stored.history if stored is not None else ()
    values = {
        "version": {"N": str(decision.version)},
        "amount": {"S": rated.document.amount},
        "packed": {"B": pack(rated.document_json, history, entry)},
        "digest": {"B": bytes.fromhex(rated.digest)},
        **period_end_values(rated.key.subscription, rated.document.period_end),
        **(line_values(decision.line, due) if stored is not None and stored.line.is_on_rating else {}),
    }
    if rated.parts:
        values["parts"] = {"S": parts_name(decision.version, rated)}
    return values


def period_end_values(subscription: str, period_end: datetime) -> Item:
    """Return the rating's position in the index `ends`."""
    return {
        "end_pk": {"S": keys.period_end_partition(subscription, period_end)},
        "end_at": {"S": keys.period_end_position(subscription, period_end)},
    }


def removed(decision: NewVersion, stored: StoredRating | None) -> tuple[str, ...]:
    """Return the attributes that a new version takes away: the line's, and the name of parts it lacks.

    Those that an earlier release wrote as text are packed now.
    """
    had_parts = stored is not None and stored.parts is not None
    gone = ("parts",) if had_parts and not decision.computed_rating.parts else ()
    has_own_line = stored is not None and stored.line.is_on_rating
    return (LINE_GONE[decision.line] if has_own_line else ()) + gone + _TEXTS


def raised_value(raised: frozenset[str]) -> Item:
    """Return the attribute that names the thresholds already reported, if any."""
    return {"raised": {"SS": sorted(raised)}} if raised else {}


def line_values(line: LineMove, due: DueLine) -> Item:
    """Return the line's attributes that a move sets; `LINE_GONE` names those it removes."""
    if line == "due":
        return {
            "line_state": {"S": "due"},
            "line_pk": {"S": due.partition},
            "line_at": {"S": sortable(due.at)},
            "line_tries": {"N": "0"},
        }
    return {} if line == "keep" else {"line_state": {"S": line}}


def rating_of(item: Item, lines: PeriodLines | None = None) -> StoredRating:
    """Return the rating in an item; `lines` are those of its period, unless its line is on the item itself.

    Raises `LineMoved` if the line was moved onto the item after that was read.
    """
    is_on_rating = has_own_line(item)
    item = with_line(item, lines)
    subscription, start, charge, corrects = keys.parse_rating_key(item["pk"]["S"], item["sk"]["S"])
    document_json, history = read_documents(item)
    return StoredRating(
        key=RatingKey(subscription, _instant(start), charge, _instant(corrects) if corrects else None),
        version=int(item["version"]["N"]),
        amount=Decimal(item["amount"]["S"]),
        digest=_digest(item["digest"]),
        document_json=document_json,
        history=history,
        frozen="frozen" in item and item["frozen"]["BOOL"],
        raised=frozenset(item["raised"]["SS"]) if "raised" in item else frozenset(),
        line=line_of(item, is_on_rating=is_on_rating),
        parts=item["parts"]["S"] if "parts" in item else None,
        is_listed="end_pk" in item,
    )


def line_of(item: ItemView, *, is_on_rating: bool) -> Line:
    """Return the line that the attributes of an item describe."""
    sent_version = optional_integer(item, "line_version")
    known = max(optional_integer(item, "line_rated") or 0, sent_version or 0)
    return Line(
        state=read_state(item["line_state"]["S"]) if "line_state" in item else None,
        version=sent_version,
        amount=Decimal(_scalar(item["line_amount"])) if "line_amount" in item else None,
        at=_instant(item["line_at"]["S"]) if "line_at" in item else None,
        id=int(item["line_id"]["N"]) if "line_id" in item else None,
        error=_scalar(item["line_error"]) if "line_error" in item else None,
        attempt_count=int(item["line_tries"]["N"]) if "line_tries" in item else 0,
        billed=Decimal(_scalar(item["billed"])) if "billed" in item else None,
        by_order_line="billed_source" in item,
        has_intent="line_intent" in item,
        is_on_rating=is_on_rating,
        is_behind="line_rated" in item and "version" in item and known < integer(item, "version"),
    )


def _scalar(value: dict[str, Any]) -> str:
    return str(next(iter(value.values())))


def _digest(value: dict[str, Any]) -> str:
    """Return a digest as hexadecimal digits, which is how earlier releases stored it."""
    return bytes(value["B"]).hex() if "B" in value else str(value["S"])


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
