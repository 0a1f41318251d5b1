"""`POST /v1/estimates`: what would it cost?"""

from aws_lambda_powertools.event_handler.api_gateway import Response

from functions.admin import dependencies
from functions.admin.routing import Router, authorised, body, json_answer
from functions.admin.services import estimates as service

router = Router()


@router.post("/v1/estimates")
def estimate() -> Response[str]:
    """Return what units, records, or a period's stored usage come to under a charge; store nothing."""
    principal = authorised(router, "ratings:read")
    stores = service.Stores(dependencies.catalogue(), dependencies.subscriptions(), dependencies.usage_records())
    return json_answer(200, service.of(stores, principal, body(router), dependencies.now()))
