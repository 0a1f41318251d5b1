"""The service's OpenAPI 3.1 document: a table of operations, and schemas made of the models in use."""

from functions.admin.services.openapi.document import document

__all__ = ["document"]
