"""HTTP: registration, signing in and out, profiles, approval, erasure; keys and revocations for the other services."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse
from pydantic import AfterValidator, Field, StringConstraints, WithJsonSchema
from starlette.responses import Response

from services.identity import queries
from services.identity.application import ChangePerson, Forget, Register
from services.identity.credentials import LONGEST_PASSWORD, SHORTEST_PASSWORD, email_digest, is_email, normal_email
from services.identity.domain import account, profile
from services.identity.sessions import NotSignedIn, Session, Sessions
from services.identity.signing import ACCESS_SECONDS
from shared.eventstore.database import Database
from shared.eventstore.execute import Store
from shared.kernel.ids import new_id
from shared.web.app import SignedIn, state_of
from shared.web.commands import command
from shared.web.permissions import INTERNAL, PUBLIC, SIGNED_IN, Permission
from shared.web.problems import Problem
from shared.web.refusals import unacceptable
from shared.web.values import Body, Id, Text

ADMIN = frozenset({"admin"})

PERMISSIONS = (
    Permission("POST", "/v1/accounts", PUBLIC, idempotent=True),
    Permission("GET", "/v1/accounts/me", SIGNED_IN),
    Permission("PUT", "/v1/accounts/me/profile", SIGNED_IN, idempotent=True),
    Permission("POST", "/v1/accounts/me/erasure", SIGNED_IN, idempotent=True),
    Permission("POST", "/v1/accounts/{account_id}/approve", ADMIN, idempotent=True),
    Permission("POST", "/v1/accounts/{account_id}/reject", ADMIN, idempotent=True),
    Permission("POST", "/v1/sessions", PUBLIC),
    Permission("POST", "/v1/sessions/refresh", PUBLIC),
    Permission("POST", "/v1/sessions/sign-out", SIGNED_IN),
    Permission("GET", "/.well-known/jwks.json", PUBLIC),
    Permission("GET", "/internal/revocations", INTERNAL),
    Permission("GET", "/internal/people/{account_id}", INTERNAL),
)

NO_STORE = {"cache-control": "no-store"}

router = APIRouter()


def _email(text: str) -> str:
    if not is_email(text):
        raise unacceptable("An e-mail address is expected.")
    return normal_email(text)


Email = Annotated[str, Text(254), AfterValidator(_email), WithJsonSchema({"type": "string", "format": "email"})]
NewPassword = Annotated[str, StringConstraints(min_length=SHORTEST_PASSWORD, max_length=LONGEST_PASSWORD)]
Password = Annotated[str, StringConstraints(max_length=LONGEST_PASSWORD)]
Name = Annotated[str, Text(80)]


class Registration(Body):
    role: Annotated[str, Text(20), WithJsonSchema({"type": "string", "enum": ["sponsor", "influencer"]})]
    name: Name
    email: Email
    password: NewPassword


class SignIn(Body):
    email: Email
    password: Password


class Refresh(Body):
    refresh_token: Annotated[str, StringConstraints(max_length=200)]


class PlatformBody(Body):
    platform: Annotated[str, Text(20), WithJsonSchema({"type": "string", "enum": list(profile.PLATFORMS)})]
    followers: Annotated[int, Field(ge=0, le=profile.MAX_FOLLOWERS)]
    handle: Annotated[str, Text(60, least=0)] = ""


class ProfileBody(Body):
    name: Name
    phone: Annotated[str, Text(30, least=0)] = ""
    bio: Annotated[str, Text(1_000, least=0, lines=True)] = ""
    niche: Annotated[str, Text(60, least=0)] = ""
    platforms: Annotated[list[PlatformBody], Field(max_length=len(profile.PLATFORMS), default_factory=list)]


class Rejection(Body):
    reason: Annotated[str, Text(40), WithJsonSchema({"type": "string", "enum": list(account.REJECTION_REASONS)})]


@router.post("/v1/accounts", status_code=201)
async def register(body: Registration, request: Request) -> Response:
    """Register as sponsor or influencer."""
    id = new_id()
    digest = email_digest(state_of(request, "digest_secret"), body.email)
    hash = await state_of(request, "passwords").hash(body.password)
    return await command(request, Register(id, body.role, body.name, body.email, digest, hash), status=201, actor=id)


@router.get("/v1/accounts/me")
async def read_own(caller: SignedIn, request: Request) -> JSONResponse:
    """Return one's own account with all that is personal in it."""
    database: Database = state_of(request, "database")
    store: Store = state_of(request, "store")
    state, _ = await store.as_of(account, caller.account_id)
    shown, revision = await store.as_of(profile, caller.account_id)
    person = await queries.person(database, caller.account_id)
    if not isinstance(state, account.Account) or person is None:
        raise account.AccountUnknown
    platforms = [
        {"platform": one.platform, "followers": one.followers, "handle": person["handles"].get(one.platform, "")}
        for one in shown.platforms
    ]
    own: dict[str, Any] = {
        "id": caller.account_id,
        "role": state.role,
        "state": state.state,
        "restriction": state.restriction,
        "email": person["email"],
        "profile": {
            "revision": revision,
            "name": person["name"],
            "phone": person["phone"],
            "bio": person["bio"],
            "niche": shown.niche,
            "platforms": platforms,
        },
    }
    return JSONResponse(own, headers={**NO_STORE, "etag": f'"{revision}"'})


@router.put("/v1/accounts/me/profile")
async def change_profile(body: ProfileBody, caller: SignedIn, request: Request) -> Response:
    """Replace one's own profile; If-Match takes the profile's revision."""
    platforms = tuple(profile.Platform(one.platform, one.followers) for one in body.platforms)
    handles = {one.platform: one.handle for one in body.platforms if one.handle}
    changed = ChangePerson(caller.account_id, body.name, body.phone, body.bio, handles, body.niche, platforms)
    return await command(request, changed)


@router.post("/v1/accounts/me/erasure")
async def erase(caller: SignedIn, request: Request) -> Response:
    """Be forgotten: what is personal is deleted everywhere, sessions end, the account does nothing any more."""
    digest = await queries.email_digest(state_of(request, "database"), caller.account_id)
    return await command(request, Forget(caller.account_id, digest))


@router.post("/v1/accounts/{account_id}/approve")
async def approve(account_id: Id, request: Request) -> Response:
    """Let a waiting sponsor in."""
    return await command(request, account.ApproveAccount(account_id))


@router.post("/v1/accounts/{account_id}/reject")
async def reject(account_id: Id, body: Rejection, request: Request) -> Response:
    """Turn a waiting sponsor away."""
    return await command(request, account.RejectAccount(account_id, body.reason), reason=body.reason)


@router.post("/v1/sessions", status_code=201)
async def sign_in(body: SignIn, request: Request) -> JSONResponse:
    """Begin a session. An unknown address and a wrong password are told apart neither by words nor by time."""
    digest = email_digest(state_of(request, "digest_secret"), body.email)
    known = await queries.credentials(state_of(request, "database"), digest)
    right = await state_of(request, "passwords").matches(known and known[1], body.password)
    if known is None or not right:
        raise _unauthorised("credentials-wrong")
    sessions: Sessions = state_of(request, "sessions")
    try:
        return await _tokens(request, await sessions.begin(known[0]), 201)
    except NotSignedIn:
        raise _unauthorised("credentials-wrong") from None


@router.post("/v1/sessions/refresh")
async def refresh(body: Refresh, request: Request) -> JSONResponse:
    """Exchange a refresh token for the next one and a new access token. One that was used before ends the session."""
    sessions: Sessions = state_of(request, "sessions")
    try:
        return await _tokens(request, await sessions.carry_on(body.refresh_token), 200)
    except NotSignedIn:
        raise _unauthorised("refresh-token-invalid") from None


@router.post("/v1/sessions/sign-out", status_code=204)
async def sign_out(caller: SignedIn, request: Request) -> Response:
    """End this session: felt by every service within two seconds."""
    await state_of(request, "sessions").end(caller.session_id)
    return Response(status_code=204)


@router.get("/.well-known/jwks.json")
async def jwks(request: Request) -> JSONResponse:
    """Return the public keys of access tokens (RFC 7517)."""
    return JSONResponse(await state_of(request, "signing_keys").jwks())


@router.get("/internal/revocations")
async def revocations(
    request: Request, after: Annotated[int, Query(ge=0, lt=2**63)], wait: Annotated[int, Query(ge=0, le=30)] = 0
) -> JSONResponse:
    """Return the sessions that ended, by number; where there is none, wait up to `wait` seconds for the next."""
    sessions: Sessions = state_of(request, "sessions")
    told = await sessions.next_revocations(after, wait, state_of(request, "stop"))
    return JSONResponse(told, headers=NO_STORE)


@router.get("/internal/people/{account_id}")
async def person(account_id: Id, request: Request) -> JSONResponse:
    """Return what others may see of a person: for the gateway's erasable table."""
    shown = await queries.shown(state_of(request, "database"), account_id)
    if shown is None:
        raise account.AccountUnknown
    return JSONResponse({"account_id": account_id, **shown}, headers=NO_STORE)


async def _tokens(request: Request, session: Session, status: int) -> JSONResponse:
    store: Store = state_of(request, "store")
    state, _ = await store.as_of(account, session.account_id)
    if not isinstance(state, account.Account):
        raise NotSignedIn
    access = await state_of(request, "signing_keys").access_token(session.account_id, state.role, session.sid)
    told = {
        "account_id": session.account_id,
        "role": state.role,
        "access_token": access,
        "token_type": "Bearer",
        "expires_in": ACCESS_SECONDS,
        "refresh_token": session.refresh_token,
    }
    return JSONResponse(told, status, NO_STORE)


def _unauthorised(code: str) -> Problem:
    return Problem(code, headers={"www-authenticate": "Bearer"})
