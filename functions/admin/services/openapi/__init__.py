"""The OpenAPI 3.1 document: made from the route table, and schemas made from the models in use."""

from functions.admin.services.openapi.document import document

__all__ = ["document"]
