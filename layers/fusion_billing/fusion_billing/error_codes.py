"""List every error code of the HTTP API, with its title, its meaning, and the status it answers with.

A code names one fault on all routes. The same code may be the `code` of a whole response, of
one entry of its `errors`, or the error of an order line. The page docs/errors.md and the OpenAPI document are
generated from this list; a test compares it with the codes that the source uses.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

Topic = Literal["request", "value", "definition", "usage", "access", "conflict", "endpoint", "service", "odoo"]
"""Where a code belongs in the documentation."""


class ErrorCode(NamedTuple):
    """One error code.

    `status` is the HTTP status of a response whose `code` it is; None if it appears in `errors`, or as the error
    of an order line, only.
    """

    code: str
    topic: Topic
    title: str
    meaning: str
    status: int | None = None


_ALL: Final = (
    # The request as a whole
    ErrorCode("invalid", "request", "Invalid request", "At least one field is invalid; `errors` lists each.", 422),
    ErrorCode(
        "malformed_json",
        "request",
        "Malformed JSON",
        "The request body is not valid JSON, is not UTF-8, or is nested too deeply.",
        400,
    ),
    ErrorCode("malformed_body", "request", "Malformed body", "The request body is not valid Base64.", 400),
    ErrorCode("not_an_object", "request", "Not an object", "The value must be a JSON object.", 400),
    ErrorCode(
        "invalid_parameter",
        "request",
        "Invalid query parameter",
        "A query parameter is unknown or has an invalid value.",
        400,
    ),
    ErrorCode("unknown_parameter", "request", "Unknown query parameter", "The path has no parameter of this name."),
    ErrorCode(
        "bad_cursor",
        "request",
        "Invalid cursor",
        "The cursor does not belong to this list, or was issued for other parameters.",
        400,
    ),
    ErrorCode(
        "too_large",
        "request",
        "Too large",
        "The request body, or the JSON of one value, has more bytes than allowed.",
        413,
    ),
    ErrorCode("too_many_records", "request", "Too many records", "A batch has more usage records than allowed.", 413),
    ErrorCode(
        "idempotency_key_on_batch",
        "request",
        "Idempotency-Key on a batch",
        "The `Idempotency-Key` header names a single usage record; in a batch, give each record its own key.",
        400,
    ),
    ErrorCode(
        "method_not_allowed", "request", "Method not allowed", "The path exists and does not allow this method.", 405
    ),
    ErrorCode("not_found", "request", "Not found", "The resource does not exist, or is not visible to this key.", 404),
    # Values of fields
    ErrorCode("missing", "value", "Missing field", "A required field is missing."),
    ErrorCode("unknown_field", "value", "Unknown field", "The object has no field of this name."),
    ErrorCode("duplicate_key", "value", "Duplicate key", "A JSON object contains the same key twice."),
    ErrorCode("duplicate", "value", "Duplicate entry", "A list contains the same entry twice."),
    ErrorCode("immutable", "value", "Immutable field", "The field can't be changed once it is set."),
    ErrorCode("read_only", "value", "Read-only field", "The field is read-only and differs from the stored value."),
    ErrorCode("mismatch", "value", "Mismatch", "The value differs from the one given for it elsewhere in the request."),
    ErrorCode(
        "mutually_exclusive", "value", "Mutually exclusive fields", "Fields are given of which only one is allowed."
    ),
    ErrorCode("not_a_boolean", "value", "Not a boolean", "The value must be `true` or `false`."),
    ErrorCode("not_a_string", "value", "Not a string", "The value must be a JSON string."),
    ErrorCode("not_a_list", "value", "Not a list", "The value must be a JSON array."),
    ErrorCode("not_a_number", "value", "Not a number", "The value must be a decimal, as a JSON number or a string."),
    ErrorCode("not_an_integer", "value", "Not an integer", "The value must be an integer."),
    ErrorCode("not_finite", "value", "Not finite", "The number must be finite."),
    ErrorCode("not_positive", "value", "Not positive", "The number must be greater than zero."),
    ErrorCode("negative", "value", "Negative number", "The number must not be negative."),
    ErrorCode("too_many_digits", "value", "Too many digits", "The number has more digits than can be stored."),
    ErrorCode("out_of_range", "value", "Out of range", "The value is outside the allowed range."),
    ErrorCode("not_a_date", "value", "Not a date", "The value must be a date such as `2026-11-30`."),
    ErrorCode(
        "not_an_instant", "value", "Not a timestamp", "The value must be RFC 3339 such as `2026-11-03T00:00:00Z`."
    ),
    ErrorCode("missing_offset", "value", "Missing UTC offset", "The timestamp has no UTC offset."),
    ErrorCode("empty", "value", "Empty value", "The string, list or object must not be empty."),
    ErrorCode("too_long", "value", "String too long", "The string has more characters than allowed."),
    ErrorCode("too_many", "value", "Too many entries", "The list or object has more entries than allowed."),
    ErrorCode(
        "invalid_characters", "value", "Invalid characters", "The string contains characters that are not allowed."
    ),
    ErrorCode("invalid_identifier", "value", "Invalid identifier", "The value does not match the identifier pattern."),
    ErrorCode(
        "invalid_property_name",
        "value",
        "Invalid property name",
        "A property name is empty, too long or unprintable.",
    ),
    ErrorCode("invalid_language", "value", "Invalid language", "The value must be an Odoo language such as `fr_BE`."),
    ErrorCode("unknown_value", "value", "Unknown value", "The value is not one of the allowed values."),
    ErrorCode("unknown_currency", "value", "Unknown currency", "The value must be a current ISO 4217 code."),
    ErrorCode("unknown_timezone", "value", "Unknown time zone", "The value must be an IANA time zone."),
    ErrorCode("unknown_scope", "value", "Unknown scope", "The value is not a scope of API keys."),
    ErrorCode("not_in_the_future", "value", "Not in the future", "The instant must be in the future."),
    ErrorCode("unknown_event", "value", "Unknown event type", "No event type matches the filter."),
    ErrorCode("invalid_window", "value", "Invalid window", "The end of a window must be after its start."),
    ErrorCode("end_before_start", "value", "End before start", "`end_date` must not be before `start_date`."),
    # Definitions
    ErrorCode("unknown_metric", "definition", "Unknown metric", "The metric does not exist."),
    ErrorCode("unknown_charge", "definition", "Unknown charge", "The charge does not exist."),
    ErrorCode("unknown_source", "definition", "Unknown source", "The source does not exist.", 404),
    ErrorCode(
        "unknown_subscription",
        "definition",
        "Unknown subscription",
        "The subscription does not exist, or is not visible to this key.",
    ),
    ErrorCode(
        "minimum_above_maximum", "definition", "Minimum above maximum", "A minimum must not be above its maximum."
    ),
    ErrorCode("not_ascending", "definition", "Not ascending", "Entries must be in ascending order."),
    ErrorCode("open_tier_not_last", "definition", "Open tier not last", "Only the last tier may have no `up_to`."),
    ErrorCode("no_open_last_tier", "definition", "No open last tier", "The last tier must have no `up_to`."),
    ErrorCode("duplicate_filter", "definition", "Duplicate filter", "Another filter selects the same usage records."),
    ErrorCode(
        "unreachable_filter", "definition", "Unreachable filter", "Filters listed before take every record of this one."
    ),
    ErrorCode(
        "differs_between_versions",
        "definition",
        "Differs between versions",
        "All versions of a charge must have the same code, metric and currency.",
    ),
    # Usage records
    ErrorCode("conflict", "usage", "Conflict", "The request contradicts what is stored.", 409),
    ErrorCode("before_start", "usage", "Before the start", "The window starts before the subscription does."),
    ErrorCode(
        "subscription_ended", "usage", "Subscription ended", "The window starts after the subscription has ended."
    ),
    ErrorCode(
        "window_key_mismatch",
        "usage",
        "Not the key of the window",
        "The records of the metric are keyed by their window, and the idempotency key is another: leave it out.",
        422,
    ),
    ErrorCode(
        "reserved_key",
        "usage",
        "Reserved key",
        "The idempotency key is one that is derived from a window, and the records of the metric are not keyed by it.",
        422,
    ),
    ErrorCode(
        "window_too_long", "usage", "Window too long", "The window of a `time_weighted` metric is longer than 32 days."
    ),
    # Authentication and access
    ErrorCode("unauthenticated", "access", "Not authenticated", "The request has no valid API key.", 401),
    ErrorCode("missing_key", "access", "Missing API key", "The `Authorization` header is missing.", 401),
    ErrorCode("malformed_key", "access", "Malformed API key", "The API key must read `fb_<id>_<secret>`.", 401),
    ErrorCode("unknown_key", "access", "Invalid API key", "The API key is unknown.", 401),
    ErrorCode("revoked_key", "access", "Revoked API key", "The API key was revoked.", 401),
    ErrorCode(
        "session_expired",
        "access",
        "Session expired",
        "The session of the console has expired or was ended, or its API key was revoked. Sign in again.",
        401,
    ),
    ErrorCode(
        "cross_site_request",
        "access",
        "Cross-site request",
        "The request has the cookie of a session, but does not come from the console.",
        403,
    ),
    ErrorCode("expired_key", "access", "Expired API key", "The API key has expired: create another one.", 401),
    ErrorCode("invalid_token", "access", "Invalid portal token", "The portal token is malformed or revoked.", 401),
    ErrorCode("expired_token", "access", "Expired portal token", "The portal token has expired: create another.", 401),
    ErrorCode(
        "portal_token_not_allowed",
        "access",
        "Portal token not allowed",
        "A portal token opens the current usage, ratings and statements of its subscription only.",
        403,
    ),
    ErrorCode("invalid_jwt", "access", "Invalid JWT", "The JWT does not prove who sends the request.", 401),
    ErrorCode("expired_jwt", "access", "Expired JWT", "The JWT has expired: get another from the issuer.", 401),
    ErrorCode("ip_not_allowed", "access", "Address not allowed", "Requests from this IP address are not allowed.", 403),
    ErrorCode("forbidden", "access", "Forbidden", "The API key does not allow this request.", 403),
    ErrorCode(
        "rate_limited",
        "access",
        "Too many requests",
        "The API key sends more requests per second than it may: send the request again after `Retry-After` seconds.",
        429,
    ),
    ErrorCode("missing_scope", "access", "Missing scope", "The API key lacks the scope that the route requires.", 403),
    ErrorCode(
        "metric_not_allowed", "access", "Metric not allowed", "The metric is not among those of the source.", 403
    ),
    ErrorCode(
        "subscription_not_allowed",
        "access",
        "Subscription not allowed",
        "The subscription is not among those of the source, or others are concerned as well.",
        403,
    ),
    ErrorCode(
        "limited_source",
        "access",
        "Limited source",
        "The source of the API key has limits, and the request concerns what is beyond them.",
        403,
    ),
    ErrorCode("plan_not_allowed", "access", "Plan not allowed", "The plan is not among those of the source.", 403),
    ErrorCode(
        "source_not_allowed",
        "access",
        "Source not allowed",
        "Only a key with the `admin` scope may name another source than its own.",
        403,
    ),
    # Conflicts with what is stored
    ErrorCode(
        "version_conflict", "conflict", "Version conflict", "`version` is not the stored one: read and try again.", 409
    ),
    ErrorCode(
        "confirmation_required",
        "conflict",
        "Confirmation required",
        "The change re-rates open periods: try it with `dry_run`, then name its effects in `confirm`.",
        409,
    ),
    ErrorCode("in_use", "conflict", "In use", "The resource can't be deleted while others refer to it.", 409),
    ErrorCode("order_taken", "conflict", "Order taken", "The Odoo order belongs to another subscription.", 409),
    ErrorCode("alias_taken", "conflict", "Alias taken", "The alias belongs to another subscription.", 409),
    ErrorCode("too_many_keys", "conflict", "Too many API keys", "The source has as many live keys as allowed.", 409),
    ErrorCode(
        "too_many_endpoints", "conflict", "Too many endpoints", "The source has as many endpoints as allowed.", 409
    ),
    ErrorCode(
        "rotated_too_often", "conflict", "Rotated too often", "The secret was rotated too often within 24 hours.", 409
    ),
    ErrorCode("endpoint_disabled", "conflict", "Endpoint disabled", "The endpoint is disabled: enable it first.", 409),
    ErrorCode("already_closed", "conflict", "Already closed", "The billing period already has its statement.", 409),
    # URLs of webhook endpoints
    ErrorCode("invalid_url", "endpoint", "Invalid URL", "The value must be an HTTPS URL of bounded length."),
    ErrorCode("unsupported_scheme", "endpoint", "Unsupported scheme", "The URL must use `https`."),
    ErrorCode("credentials_in_url", "endpoint", "Credentials in the URL", "The URL must not carry credentials."),
    ErrorCode("port_not_allowed", "endpoint", "Port not allowed", "The URL uses a port that is not allowed."),
    ErrorCode("invalid_host", "endpoint", "Invalid host", "The URL must name a public host in full."),
    ErrorCode("address_not_allowed", "endpoint", "Address not allowed", "The host must have public addresses only."),
    ErrorCode("unresolvable_host", "endpoint", "Unresolvable host", "The host name does not resolve."),
    # The service itself
    ErrorCode("error", "service", "Error", "The request failed.", 500),
    ErrorCode("internal_error", "service", "Internal error", "The service failed: report the `reference`.", 500),
    ErrorCode("unavailable", "service", "Unavailable", "Nothing was stored: send the request again.", 503),
    ErrorCode(
        "portal_not_configured",
        "service",
        "Portal not configured",
        "The service has no secret of portal tokens, or one of another form than expected.",
        503,
    ),
    ErrorCode(
        "issuer_unavailable",
        "service",
        "Issuer unavailable",
        "The issuer of JWTs can't be reached, so none can be checked: send the request again.",
        503,
    ),
    ErrorCode(
        "oidc_not_configured", "service", "Issuer not configured", "The parameters of the issuer are malformed.", 503
    ),
    ErrorCode(
        "ip_list_not_configured",
        "service",
        "Address list not valid",
        "The parameter `AdminAllowedCidrs` or `UsageAllowedCidrs` is malformed, so no address is allowed.",
        503,
    ),
    ErrorCode("odoo_not_configured", "service", "Odoo not configured", "The service has no `ODOO_URL`.", 503),
    ErrorCode("rejected", "service", "Rating not stored", "The database can't store this rating."),
    ErrorCode("too_many_groups", "service", "Too many groups", "A rating has more groups than can be stored."),
    ErrorCode(
        "statement_tampered", "service", "Statement changed", "A stored statement does not match its digest.", 409
    ),
    # Order lines and Odoo
    ErrorCode("rating_unreadable", "odoo", "Rating unreadable", "The stored rating lacks what an order line needs."),
    ErrorCode("unrepresentable", "odoo", "Unrepresentable amount", "Odoo can't store this amount to the cent."),
    ErrorCode("currency_differs", "odoo", "Currency differs", "The order is in another currency than the rating."),
    ErrorCode("odoo_error", "odoo", "Odoo error", "A call to Odoo failed.", 503),
    ErrorCode("odoo_retry", "odoo", "Temporary Odoo error", "The same call may succeed soon.", 503),
    ErrorCode("serialization_failure", "odoo", "Serialization failure", "Two transactions met in Odoo.", 503),
    ErrorCode("too_many_requests", "odoo", "Too many requests", "Odoo asks to wait before the next call.", 503),
    ErrorCode("gateway_failed", "odoo", "Gateway failed", "The gateway of Odoo returned 502 or 503.", 503),
    ErrorCode("timed_out", "odoo", "Timed out", "Odoo did not respond in time.", 503),
    ErrorCode("connection_lost", "odoo", "Connection lost", "The connection ended before the response.", 503),
    ErrorCode("odoo_wait", "odoo", "Odoo unavailable", "Odoo can't be reached now.", 503),
    ErrorCode("odoo_down", "odoo", "Odoo down", "The connection to Odoo was refused.", 503),
    ErrorCode("odoo_database_down", "odoo", "Odoo database down", "Odoo can't reach its database.", 503),
    ErrorCode("odoo_refused", "odoo", "Refused by Odoo", "Odoo refused the line: an operator must act.", 503),
    ErrorCode("order_locked", "odoo", "Order locked", "The order is locked: its lines can't change.", 503),
    ErrorCode("order_renewed", "odoo", "Order renewed", "The order was renewed by another order.", 503),
    ErrorCode("order_cancelled", "odoo", "Order canceled", "The order is canceled.", 503),
    ErrorCode("record_missing", "odoo", "Record missing", "An order, product or line does not exist in Odoo.", 503),
    ErrorCode("access_refused", "odoo", "Access refused", "The Odoo user has no access to this record.", 503),
    ErrorCode("odoo_rejected", "odoo", "Rejected by Odoo", "A rule of Odoo's rejects the line.", 503),
    ErrorCode("subtotal_differs", "odoo", "Subtotal differs", "The line's subtotal is not the rated amount.", 503),
    ErrorCode("tax_differs", "odoo", "Tax differs", "The price includes a tax, or lacks it, unlike the charge.", 503),
    ErrorCode("discount_differs", "odoo", "Discount differs", "The line has a discount.", 503),
    ErrorCode("rounding_differs", "odoo", "Rounding differs", "Odoo rounds the quantity or price further.", 503),
    ErrorCode("product_differs", "odoo", "Product differs", "The line has another product.", 503),
    ErrorCode("order_differs", "odoo", "Order differs", "The line is on another order.", 503),
    ErrorCode("nothing_to_invoice", "odoo", "Nothing to invoice", "Odoo would not invoice the line.", 503),
    ErrorCode("line_invoiced", "odoo", "Line invoiced", "The line is on an invoice already.", 503),
    ErrorCode("odoo_permanent", "odoo", "Permanent Odoo error", "Odoo does not know a field, type or method.", 503),
    ErrorCode("odoo_alarm", "odoo", "Odoo misconfigured", "No call can succeed until an operator acts.", 503),
    ErrorCode("odoo_key_rejected", "odoo", "Odoo API key rejected", "Odoo accepts none of the API keys.", 503),
    ErrorCode("odoo_wrong_database", "odoo", "Wrong Odoo database", "The database does not exist.", 503),
    ErrorCode("odoo_misaddressed", "odoo", "Wrong Odoo URL", "The server at `ODOO_URL` is not Odoo.", 503),
    ErrorCode("odoo_no_rights", "odoo", "No Odoo access rights", "The Odoo user lacks access rights.", 503),
    ErrorCode("odoo_no_subscriptions", "odoo", "No subscriptions in Odoo", "Subscriptions is not installed.", 503),
)

ERROR_CODES: Final[Mapping[str, ErrorCode]] = MappingProxyType({error.code: error for error in _ALL})
"""Code -> its description, in the order of the documentation."""
