"""`POST /v1/subscriptions/sync`: read subscriptions from Odoo, now."""

from functions.admin import dependencies, odoo_dependencies
from functions.admin.request import Request
from functions.admin.responses import Response, json_response
from functions.admin.services.body_fields import check_fields
from fusion_billing.errors import Unavailable
from fusion_billing.messaging.relay_messages import SyncJob


def sync(request: Request) -> Response:
    """Read what changed in Odoo, or everything; what takes longer than this response goes on after it."""
    full = check_fields(request.optional_json(), booleans=("full",)).booleans.get("full", False)
    started_at = request.now
    report = odoo_dependencies.subscription_sync().run(full=full, began=started_at)
    failure = report.alarm or report.failed
    if failure:
        raise Unavailable(f"Odoo could not be read: {failure}", code=failure)
    if report.after is None:
        return json_response(200, report.as_dict())
    dependencies.relay_queue().send([SyncJob(full=report.full, after=report.after, began=started_at)])
    return json_response(202, report.as_dict())
