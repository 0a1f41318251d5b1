"""Write the JSON schema of catalog files from the service's OpenAPI document.

curl "$BASE_URL/openapi.json" | python tools/generate_schema.py
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parents[1] / "src" / "fusion_billing_client" / "catalog" / "schema.json"
SHOWN_ONLY = ("code", "version", "versions", "history")


def schema_of(document: dict[str, Any]) -> dict[str, Any]:
    """Return the schema: the service's definitions, under the keys of a catalog file."""
    offered = document["components"]["schemas"]
    definitions: dict[str, Any] = {}
    pending = ["MetricDefinition", "ChargeDefinition"]
    while pending:
        name = pending.pop()
        if name not in definitions:
            text = json.dumps(offered[name]).replace("#/components/schemas/", "#/$defs/")
            definitions[name] = json.loads(text)
            pending += re.findall(r'"#/\$defs/([\w-]+)"', text)
    for name in ("MetricDefinition", "ChargeDefinition"):
        for shown in SHOWN_ONLY:
            definitions[name]["properties"].pop(shown, None)
    definitions = {name: definitions[name] for name in sorted(_reachable(definitions))}
    charge = {"$ref": "#/$defs/ChargeDefinition"}
    charges = {"anyOf": [charge, {"type": "array", "items": charge, "minItems": 1}]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Catalog of Fusion Billing",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "metrics": {"type": "object", "additionalProperties": {"$ref": "#/$defs/MetricDefinition"}},
            "charges": {"type": "object", "additionalProperties": charges},
        },
        "$defs": definitions,
    }


def _reachable(definitions: dict[str, Any]) -> set[str]:
    found: set[str] = set()
    pending = ["MetricDefinition", "ChargeDefinition"]
    while pending:
        name = pending.pop()
        if name not in found:
            found.add(name)
            pending += re.findall(r'"#/\$defs/([\w-]+)"', json.dumps(definitions[name]))
    return found


if __name__ == "__main__":
    TARGET.write_text(json.dumps(schema_of(json.load(sys.stdin)), indent=2) + "\n")
