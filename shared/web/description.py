"""What /openapi.json says beyond FastAPI: who may call, which headers count, and that every error is a problem."""

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI

from shared.web.permissions import INTERNAL, PUBLIC, Permission
from shared.web.problems import PROBLEM_JSON, catalogue

PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "RFC 9457. Refusals may carry further members.",
    "required": ["type", "title", "status", "detail", "instance"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string", "description": "The correlation id of the request"},
        "field": {"type": "string", "description": "The first value that is not acceptable"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "detail"],
                "properties": {"field": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
    },
}
SCHEMES = {
    "access": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "service": {"type": "http", "scheme": "bearer", "description": "Between services only"},
}
KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "schema": {"type": "string", "pattern": "^[!-~]{1,200}$"},
    "description": "The same key and body again: the same answer, and nothing is done twice.",
}
TOKEN = {
    "name": "Consistency-Token",
    "in": "header",
    "required": False,
    "schema": {"type": "string"},
    "description": "From an earlier answer: this one waits up to two seconds until it has seen the same.",
}


def describe(app: FastAPI, permissions: Sequence[Permission]) -> None:
    """Have the app's OpenAPI made on first demand, with its permission table in it."""
    rows = {(row.path, row.method.lower()): row for row in permissions}
    made: dict[str, Any] = {}
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        if not made:
            made.update(_complete(plain(), rows))
        return made

    app.openapi = openapi  # type: ignore[method-assign]


def _complete(document: dict[str, Any], rows: dict[tuple[str, str], Permission]) -> dict[str, Any]:
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for framework in ("HTTPValidationError", "ValidationError"):
        schemas.pop(framework, None)
    schemas["Problem"] = PROBLEM_SCHEMA
    document["x-problems"] = {code: {"status": one.status, "title": one.title} for code, one in catalogue().items()}
    components["securitySchemes"] = SCHEMES
    problem = {
        "description": "A problem",
        "content": {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for path, operations in document.get("paths", {}).items():
        for method, operation in operations.items():
            row = rows.get((path, method))
            operation["responses"].pop("422", None)
            operation["responses"]["default"] = problem
            if row is None or row.roles is PUBLIC:
                operation["security"] = []
            elif row.roles is INTERNAL:
                operation["security"] = [{"service": []}]
            else:
                assert isinstance(row.roles, frozenset)
                operation["security"] = [{"access": []}]
                operation["x-roles"] = sorted(row.roles)
            operation.setdefault("parameters", []).append(TOKEN)
            if row is not None and row.idempotent:
                operation["parameters"].append(KEY)
    return document
