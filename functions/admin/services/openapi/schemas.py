"""Every schema of the document: those of definitions are made from the models."""

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from functions.admin.services.openapi.operation_schemas import operation_schemas
from functions.admin.services.openapi.rating_list_schemas import rating_list_schemas
from functions.admin.services.openapi.rating_schemas import rating_schemas
from functions.admin.services.openapi.schema_parts import COUNT, INSTANT, TEXT, Schema, array, object_, or_null, ref
from functions.admin.services.openapi.usage_schemas import usage_schemas
from functions.admin.services.openapi.webhook_schemas import webhook_schemas
from functions.admin.services.usage import Voiding
from functions.admin.services.usage_reconciliation import Reconciliation
from fusion_billing.catalog.change import HISTORY
from fusion_billing.catalog.charge import Charge
from fusion_billing.catalog.metric import Metric
from fusion_billing.catalog.subscription import Subscription
from fusion_billing.webhooks.events.registry import EVENT_TYPES

_MODES: tuple[JsonSchemaMode, JsonSchemaMode] = ("validation", "serialization")

_DEFINED: tuple[tuple[type[BaseModel], str], ...] = (
    (Metric, "code"),
    (Charge, "code"),
    (Subscription, "id"),
)


def schemas() -> dict[str, Schema]:
    """Return every schema by its name."""
    models: list[tuple[type[BaseModel], JsonSchemaMode]] = [
        (Reconciliation, "validation"),
        (Voiding, "validation"),
        *((event.model, "validation") for event in EVENT_TYPES.values()),
    ]
    for model, _ in _DEFINED:
        models += [(model, mode) for mode in _MODES]
    refs, made = models_json_schema(list(dict.fromkeys(models)), ref_template="#/components/schemas/{model}")
    found: dict[str, Schema] = dict(made["$defs"])
    for model, name in _DEFINED:
        names = [refs[model, mode]["$ref"].rpartition("/")[2] for mode in _MODES]
        taken, shown = (found[each] for each in names)
        for each in set(names):
            del found[each]
        found |= _as_defined_and_as_shown(model.__name__, taken, shown, name)
    return found | usage_schemas() | rating_schemas() | rating_list_schemas() | webhook_schemas() | operation_schemas()


def _as_defined_and_as_shown(title: str, taken: Schema, shown: Schema, name: str) -> dict[str, Schema]:
    """A definition's name is in its path and need not be in its body; what is shown has it, and more.

    The shown form may be sent in a `PUT` unchanged; its `version` guards against changes in between.
    """
    more = {"version": COUNT, **_SHOWN_TOO.get(title, {})}
    accepted = more | _ACCEPTED_TOO.get(title, {})
    response: Schema = {
        **shown,
        "properties": shown["properties"] | more,
        "required": [*shown["required"], "version"],
    }
    del response["additionalProperties"]
    elsewhere = {name, *_OR_BY_FORMER_NAME.get(title, ())}
    required = [field for field in taken["required"] if field not in elsewhere]
    properties = {
        field: schema if field in required else or_null(schema)
        for field, schema in (taken["properties"] | accepted).items()
    }
    definition = {**taken, "properties": properties, "required": required}
    made = {title: response, f"{title}Definition": definition}
    if title == "Subscription":
        made["SubscriptionChange"] = _nullable(definition)
    return made


def _nullable(definition: Schema) -> Schema:
    """Return the schema of a change: every field may be left out, and null takes one away."""
    properties = {name: or_null(schema) for name, schema in definition["properties"].items()}
    change = {name: value for name, value in definition.items() if name not in {"required", "title"}}
    return change | {"properties": properties}


_ACCEPTED_TOO: dict[str, dict[str, Schema]] = {
    "Subscription": {
        "partner": {
            "anyOf": [{"type": "string"}, {"type": "integer"}],
            "deprecated": True,
            "description": "the former name of `customer_name`",
        },
        "plan_from": {
            "type": "string",
            "description": "when the plan came into force; a date is its midnight in the subscription's zone",
        },
    },
}

_OR_BY_FORMER_NAME: dict[str, tuple[str, ...]] = {"Subscription": ("customer_name",)}

_HISTORY: Schema = {"type": "array", "items": ref("DefinitionChange"), "maxItems": HISTORY}

_SHOWN_TOO: dict[str, dict[str, Schema]] = {
    "Metric": {"history": _HISTORY},
    "Charge": {"versions": array(ref("ChargeDefinition")), "history": _HISTORY},
    "Subscription": {
        "history": _HISTORY,
        "origin": {"type": "string", "enum": ["api", "odoo"]},
        "open_period": object_(("start", "end"), start=INSTANT, end=INSTANT),
        "orders": array(
            object_(
                ("odoo_order_id", "from"),
                odoo_order_id=COUNT,
                until={"type": ["string", "null"]},
                kind={"type": "string", "enum": ["initial", "renewal", "upsell"]},
                **{"from": {"type": "string", "description": "an instant, or a date: its local midnight"}},
            )
        ),
        "plan_history": array(object_(("plan", "from"), plan=TEXT, **{"from": INSTANT | {"type": ["string", "null"]}})),
    },
}
