"""The event catalogue of docs/webhooks.md, written from the code: `python -m local.webhook_catalogue`."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fusion_billing.webhooks.events.payload import EventType
from fusion_billing.webhooks.events.registry import EVENT_TYPES

PAGE = Path(__file__).resolve().parent.parent / "docs" / "webhooks.md"
BEGIN = "<!-- catalogue: written by `python -m local.webhook_catalogue`, not by hand -->"
END = "<!-- end of the catalogue -->"


def main() -> None:
    """Rewrite the page's catalogue."""
    PAGE.write_text(current(PAGE.read_text()))


def current(page: str) -> str:
    """Return `page` with its catalogue as the code has it; `ValueError` where it has no place for one."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError("the page has no place for the catalogue")
    return f"{before}{BEGIN}\n\n{catalogue()}\n{END}{after}"


def catalogue() -> str:
    """Return the catalogue: every event with its fields, an example, and its JSON Schema."""
    return "\n".join(line for event in EVENT_TYPES.values() for line in _section(event))


def _section(event: EventType) -> Iterator[str]:
    schema = _pruned(event.model.model_json_schema())
    yield from (f"### `{event.name}`", "", event.summary, "", "| field of `data` | | |", "|---|---|---|")
    for name, field in schema["properties"].items():
        about = [*([] if name in schema.get("required", []) else ["optional"]), field.get("description")]
        yield f"| `{name}` | {_kind(field)} | {'. '.join(filter(None, about))} |"
    example = {"type": event.name, "timestamp": "2026-11-22T15:00:00Z", "data": dict(event.example)}
    yield from ("", "```json", json.dumps(example, indent=2), "```", "")
    yield from ("<details><summary>JSON Schema of <code>data</code></summary>", "", "```json")
    yield from (json.dumps(schema, indent=2), "```", "", "</details>", "")


def _pruned(schema: Any) -> Any:
    """Return a schema without the titles and null defaults that pydantic adds."""
    if isinstance(schema, dict):
        return {
            name: _pruned(value)
            for name, value in schema.items()
            if not (name == "title" and isinstance(value, str)) and not (name == "default" and value is None)
        }
    return [_pruned(one) for one in schema] if isinstance(schema, list) else schema


def _kind(field: dict[str, Any]) -> str:
    """Return a field's type in words."""
    kinds = [one for one in field.get("anyOf", [field]) if one.get("type") != "null"]
    words = [_word(one) for one in kinds]
    return " or ".join(dict.fromkeys(words))


def _word(kind: dict[str, Any]) -> str:
    if kind.get("format") == "date-time":
        return "RFC 3339 time"
    if r"\d+(\.\d+)" in kind.get("pattern", ""):
        return "decimal as text"
    return {"string": "text", "integer": "whole number"}.get(kind.get("type", ""), "any")


if __name__ == "__main__":
    main()
