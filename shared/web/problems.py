"""How a caller is told that something was refused: problem details (RFC 9457), one stable code for each reason.

Nothing here echoes what the caller sent: a value may be personal data, and problems are kept and logged.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from shared.kernel.record import record
from shared.kernel.rejected import Kind, Rejected

PROBLEM_JSON = "application/problem+json"
TYPE_BASE = "https://sponsio.dev/problems/"

STATUS_OF_KIND = {Kind.STATE: 409, Kind.VALUE: 422, Kind.FORBIDDEN: 403, Kind.MISSING: 404}

#: Members that a refusal's own details never replace.
RESERVED = frozenset({"type", "title", "status", "detail", "instance", "field", "errors"})


@record
class Described:
    """What the catalogue says about one code."""

    status: int
    title: str


#: The problems of the web layer itself. Those of the domains are subclasses of Rejected; `catalogue` merges both.
PROBLEMS: dict[str, Described] = {
    "malformed-json": Described(400, "The body is not valid JSON"),
    "bad-request": Described(400, "The request cannot be understood"),
    "idempotency-key-required": Described(400, "This command needs an Idempotency-Key"),
    "idempotency-key-invalid": Described(400, "The Idempotency-Key is not 1 to 200 visible ASCII characters"),
    "token-required": Described(401, "An access token is required"),
    "token-invalid": Described(401, "The access token is not valid"),
    "token-expired": Described(401, "The access token has expired"),
    "credentials-wrong": Described(401, "E-mail address or password is wrong"),
    "refresh-token-invalid": Described(401, "The refresh token is not valid"),
    "session-ended": Described(401, "The session of this access token has ended"),
    "role-not-allowed": Described(403, "This is not open to your role"),
    "not-found": Described(404, "There is nothing here"),
    "method-not-allowed": Described(405, "This address does not take that method"),
    "body-too-large": Described(413, "The body is too large"),
    "content-type-unsupported": Described(415, "The body must be application/json in UTF-8"),
    "invalid-value": Described(422, "A value is not acceptable"),
    "unknown-field": Described(422, "A field is not known"),
    "idempotency-key-reused": Described(422, "The Idempotency-Key came before with another request"),
    "too-many-requests": Described(429, "Too many requests"),
    "internal-error": Described(500, "Something went wrong on our side"),
    "unavailable": Described(503, "The service cannot answer at the moment"),
    "overloaded": Described(503, "The service has too much to do at the moment"),
    "busy": Described(503, "Too many are changing the same object at the moment"),
    "authentication-unavailable": Described(503, "Access tokens cannot be checked at the moment"),
}

#: Seconds to wait, told with every 503 (Retry-After).
RETRY_AFTER = {"unavailable": "2", "overloaded": "1", "busy": "1", "authentication-unavailable": "2"}


@record
class FieldError:
    """One value that is not acceptable: where it stands (dotted path) and what is expected there."""

    field: str
    detail: str


class Problem(Exception):
    """Raise it anywhere below the app to answer with `code`; a code outside of PROBLEMS is a programming error."""

    def __init__(
        self,
        code: str,
        detail: str | None = None,
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        described = PROBLEMS[code]
        super().__init__(code)
        self.code = code
        self.status = described.status
        self.title = described.title
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        if code in RETRY_AFTER:
            self.headers.setdefault("retry-after", RETRY_AFTER[code])

    def body(self, instance: str) -> bytes:
        """Return the JSON; `instance` is the correlation id of the request."""
        return _body(self.code, self.title, self.status, self.detail or f"{self.title}.", self.errors, {}, instance)


def refusal_status(rejected: Rejected) -> int:
    """Return the HTTP status of a domain refusal."""
    return STATUS_OF_KIND[rejected.kind]


def refusal_body(rejected: Rejected, instance: str) -> bytes:
    """Return the JSON of a domain refusal, with its details as members."""
    errors = (FieldError(rejected.field, str(rejected)),) if rejected.field else ()
    return _body(
        rejected.code,
        title_of(rejected.code),
        refusal_status(rejected),
        str(rejected),
        errors,
        rejected.details,
        instance,
    )


def title_of(code: str) -> str:
    """Return the title of a refusal: its code as words."""
    return code.replace("-", " ").capitalize()


def catalogue() -> dict[str, Described]:
    """Return every problem that imported code can answer with; raises ValueError where one code means two things."""
    found = dict(PROBLEMS)
    waiting: list[type[Rejected]] = list(Rejected.__subclasses__())
    while waiting:
        refusal = waiting.pop()
        waiting.extend(refusal.__subclasses__())
        if refusal.code == Rejected.code:
            continue  # a base of others
        described = Described(STATUS_OF_KIND[refusal.kind], title_of(refusal.code))
        if found.setdefault(refusal.code, described) != described:
            raise ValueError(f"the problem {refusal.code!r} has two meanings: {found[refusal.code]} and {described}")
    return found


def _body(
    code: str,
    title: str,
    status: int,
    detail: str,
    errors: Sequence[FieldError],
    members: Mapping[str, Any],
    instance: str,
) -> bytes:
    problem: dict[str, Any] = {name: value for name, value in members.items() if name not in RESERVED}
    problem |= {"type": TYPE_BASE + code, "title": title, "status": status, "detail": detail, "instance": instance}
    if errors:
        problem["field"] = errors[0].field
        problem["errors"] = [{"field": error.field, "detail": error.detail} for error in errors]
    return orjson.dumps(problem)
