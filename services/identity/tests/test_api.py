"""S0-01, S0-02, S1-01, S1-11, N12, S0-16, D24: identity over HTTP, on its own database."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import asyncpg
import pytest

from deploy.local.fresh import FreshDatabase
from services.identity import operating
from services.identity.domain import account
from services.identity.main import DEFINITION
from services.identity.sessions import Sessions
from services.identity.signing import SigningKeys
from shared.eventstore.database import Database
from shared.eventstore.entry import Metadata
from shared.eventstore.handlers import Reply
from shared.eventstore.work import Work
from shared.kernel.ids import new_id
from shared.kernel.record import record
from shared.roles.definition import Runtime
from shared.roles.runtime import open_runtime
from shared.testing.door import PATIENCE_SECONDS, SERVICE_SECRET, Client, Told, served_api, settings_of
from shared.web.revocations import Revocations

PASSWORD = "correct horse battery"
ADMIN_EMAIL = "admin@example.org"


@record
class Identity:
    """A running identity and the way into it beside HTTP."""

    client: Client
    runtime: Runtime
    owner_url: str


@pytest.fixture
async def identity(service_database: Callable[[str], FreshDatabase]) -> AsyncIterator[Identity]:
    database = service_database("identity")
    settings = settings_of(database.url, admin_email=ADMIN_EMAIL, admin_password=PASSWORD)
    async with open_runtime(DEFINITION, settings) as runtime, served_api(DEFINITION, settings) as client:
        yield Identity(client, runtime, database.owner_url)


def person(role: str = "influencer", email: str = "ada@example.org", **more: Any) -> dict[str, Any]:
    return {"role": role, "name": "Ada Marked-Name", "email": email, "password": PASSWORD, **more}


async def register(client: Client, role: str = "influencer", email: str = "ada@example.org") -> str:
    told = await client.ask("POST", "/v1/accounts", person(role, email))
    assert told.status == 201, told
    return str(told.json["id"])


async def sign_in(client: Client, email: str = "ada@example.org", password: str = PASSWORD) -> Told:
    return await client.ask("POST", "/v1/sessions", {"email": email, "password": password})


async def token_of(client: Client, email: str = "ada@example.org") -> str:
    return str((await sign_in(client, email)).json["access_token"])


async def admin_token(identity: Identity) -> str:
    await operating.bootstrap(identity.runtime, [])
    return await token_of(identity.client, ADMIN_EMAIL)


async def until_refused(client: Client, token: str) -> Told:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while (told := await client.ask("GET", "/v1/accounts/me", token=token)).status == 200:
            await asyncio.sleep(0.05)
    return told


async def test_an_influencer_registers_and_is_in_at_once(identity: Identity) -> None:
    id = await register(identity.client)
    told = await sign_in(identity.client, " ADA@Example.org ")
    assert told.status == 201
    assert (told.json["account_id"], told.json["role"], told.json["expires_in"]) == (id, "influencer", 600)
    own = await identity.client.ask("GET", "/v1/accounts/me", token=told.json["access_token"])
    assert own.json == {
        "id": id,
        "role": "influencer",
        "state": "active",
        "restriction": None,
        "email": "ada@example.org",
        "profile": {
            "revision": 1, "name": "Ada Marked-Name", "phone": "", "bio": "", "niche": "", "platforms": [],
        },
    }  # fmt: skip


async def test_an_address_has_one_account_and_the_same_key_the_same_answer(identity: Identity) -> None:
    first = await identity.client.ask("POST", "/v1/accounts", person(), idempotency_key="one")
    again = await identity.client.ask("POST", "/v1/accounts", person(), idempotency_key="one")
    assert (again.status, again.json, again.headers["idempotency-replayed"]) == (201, first.json, "true")
    other = await identity.client.ask("POST", "/v1/accounts", person("sponsor", email="ADA@example.org"))
    assert other.refusal == (409, "email-taken", None)


async def test_of_many_at_once_one_gets_the_address(identity: Identity) -> None:
    told = await asyncio.gather(*(identity.client.ask("POST", "/v1/accounts", person()) for _ in range(10)))
    assert sorted(one.status for one in told) == [201] + [409] * 9
    assert await identity.runtime.database.fetchval("SELECT count(*) FROM people") == 1


WRONG_IN_REGISTRATION: list[tuple[dict[str, Any], tuple[int, str, str]]] = [
    ({"role": "admin"}, (422, "role-not-for-registration", "role")),
    ({"role": 1}, (422, "invalid-value", "role")),
    ({"name": ""}, (422, "invalid-value", "name")),
    ({"email": "nobody"}, (422, "invalid-value", "email")),
    ({"password": "short"}, (422, "invalid-value", "password")),
    ({"admin": True}, (422, "unknown-field", "admin")),
]


async def test_a_registration_with_a_wrong_value_names_it(identity: Identity) -> None:
    for wrong, refusal in WRONG_IN_REGISTRATION:
        assert (await identity.client.ask("POST", "/v1/accounts", person(**wrong))).refusal == refusal, wrong
    assert await identity.runtime.database.fetchval("SELECT position FROM head") == 0


async def test_signing_in_does_not_tell_an_unknown_address_from_a_wrong_password(identity: Identity) -> None:
    await register(identity.client)
    wrong = await sign_in(identity.client, password="something else")
    unknown = await sign_in(identity.client, "eve@example.org")
    assert wrong.refusal == unknown.refusal == (401, "credentials-wrong", None)
    assert {**wrong.json, "instance": ""} == {**unknown.json, "instance": ""}


async def test_only_an_admin_approves_and_once(identity: Identity) -> None:
    id = await register(identity.client, "sponsor")
    sponsor, admin = await token_of(identity.client), await admin_token(identity)
    approve = f"/v1/accounts/{id}/approve"
    assert (await identity.client.ask("POST", approve)).code == "token-required"
    assert (await identity.client.ask("POST", approve, token=sponsor)).refusal == (403, "role-not-allowed", None)
    assert (await identity.client.ask("POST", approve, token=admin)).json == {"id": id, "revision": 2}
    assert (await identity.client.ask("POST", approve, token=admin)).refusal == (409, "not-pending-approval", None)
    unknown = await identity.client.ask("POST", f"/v1/accounts/{new_id()}/approve", token=admin)
    assert unknown.refusal == (404, "account-unknown", None)
    assert (await identity.client.ask("GET", "/v1/accounts/me", token=sponsor)).json["state"] == "active"


async def test_a_rejected_sponsor_may_sign_in_and_read_but_not_act(identity: Identity) -> None:
    id = await register(identity.client, "sponsor")
    admin = await admin_token(identity)
    reject = f"/v1/accounts/{id}/reject"
    wrong = await identity.client.ask("POST", reject, {"reason": "dislike"}, token=admin)
    assert wrong.refusal == (422, "reason-unknown", "reason")
    assert (await identity.client.ask("POST", reject, {"reason": "fraud"}, token=admin)).status == 200
    sponsor = await token_of(identity.client)
    assert (await identity.client.ask("GET", "/v1/accounts/me", token=sponsor)).json["state"] == "rejected"
    change = await identity.client.ask("PUT", "/v1/accounts/me/profile", {"name": "Ada"}, token=sponsor)
    assert change.refusal == (403, "account-rejected", None)


async def test_a_restricted_account_reads_and_is_told_why_it_cannot_act(identity: Identity) -> None:
    id = await register(identity.client)
    token = await token_of(identity.client)

    async def restrict(work: Work) -> Reply:
        return await DEFINITION.handlers(identity.runtime.settings)[account.RestrictAccount](
            work, account.RestrictAccount(id, "spam")
        )

    await identity.runtime.store.execute(restrict, Metadata("system:test", new_id()))
    assert (await identity.client.ask("GET", "/v1/accounts/me", token=token)).json["restriction"] == "spam"
    change = await identity.client.ask("PUT", "/v1/accounts/me/profile", {"name": "Ada"}, token=token)
    assert (*change.refusal, change.json["reason"]) == (403, "account-restricted", None, "spam")


async def test_a_profile_is_replaced_at_the_revision_that_was_seen(identity: Identity) -> None:
    id = await register(identity.client)
    token = await token_of(identity.client)
    new = {
        "name": "Ada Lovelace", "phone": "+44 1", "bio": "Runs\nfar", "niche": "trail running",
        "platforms": [{"platform": "instagram", "followers": 12000, "handle": "@ada"}],
    }  # fmt: skip
    told = await identity.client.ask("PUT", "/v1/accounts/me/profile", new, token=token, if_match='"1"')
    assert (told.status, told.headers["etag"]) == (200, '"2"')
    assert told.json == {"id": id, "revision": 2}
    late = await identity.client.ask("PUT", "/v1/accounts/me/profile", {"name": "X"}, token=token, if_match='"1"')
    assert late.refusal == (409, "revision-moved", None)
    own = await identity.client.ask("GET", "/v1/accounts/me", token=token)
    assert own.json["profile"] == {**new, "revision": 2}
    shown = await identity.client.ask("GET", f"/internal/people/{id}", token=SERVICE_SECRET)
    assert shown.json == {
        "account_id": id, "version": 2, "name": "Ada Lovelace", "bio": "Runs\nfar", "handles": {"instagram": "@ada"},
    }  # fmt: skip
    assert (await identity.client.ask("GET", f"/internal/people/{id}", token=token)).status == 401
    missing = await identity.client.ask("GET", f"/internal/people/{new_id()}", token=SERVICE_SECRET)
    assert missing.refusal == (404, "account-unknown", None)


WRONG_IN_PROFILE: list[tuple[dict[str, Any], str]] = [
    ({"niche": "Food!"}, "niche"),
    ({"platforms": [{"platform": "myspace", "followers": 1}]}, "platforms"),
    ({"platforms": [{"platform": "x", "followers": -1}]}, "platforms.0.followers"),
    ({"platforms": [{"platform": "x", "followers": 1.5}]}, "platforms.0.followers"),
    ({"name": "\u0000"}, "name"),
]


async def test_a_profile_with_a_wrong_value_names_it(identity: Identity) -> None:
    await register(identity.client)
    token = await token_of(identity.client)
    for wrong, field in WRONG_IN_PROFILE:
        told = await identity.client.ask("PUT", "/v1/accounts/me/profile", {"name": "Ada", **wrong}, token=token)
        assert (told.status, told.json["field"]) == (422, field), wrong


async def test_a_refresh_token_changes_at_each_use_and_an_old_one_ends_the_session(identity: Identity) -> None:
    await register(identity.client)
    first = (await sign_in(identity.client)).json
    other = (await sign_in(identity.client)).json

    async def refresh(token: str) -> Told:
        return await identity.client.ask("POST", "/v1/sessions/refresh", {"refresh_token": token})

    second = await refresh(first["refresh_token"])
    assert second.status == 200
    assert second.json["refresh_token"] != first["refresh_token"]
    assert (await identity.client.ask("GET", "/v1/accounts/me", token=second.json["access_token"])).status == 200
    assert (await refresh(first["refresh_token"])).refusal == (401, "refresh-token-invalid", None)
    assert (await refresh(second.json["refresh_token"])).refusal == (401, "refresh-token-invalid", None)
    assert (await until_refused(identity.client, second.json["access_token"])).code == "session-ended"
    assert (await refresh(other["refresh_token"])).status == 200


async def test_a_made_up_refresh_token_does_nothing(identity: Identity) -> None:
    await register(identity.client)
    good = (await sign_in(identity.client)).json["refresh_token"]
    sid, generation, mac = good.split(".")
    other = mac[:-2] + ("AA" if mac[-2:] != "AA" else "BB")
    for forged in (
        "", "a.1.b", f"{sid}.{generation}.{other}", f"{sid}.2.{mac}", f"{sid}.\u0661.{mac}", f"{new_id()}.1.{mac}",
    ):  # fmt: skip
        told = await identity.client.ask("POST", "/v1/sessions/refresh", {"refresh_token": forged})
        assert told.refusal == (401, "refresh-token-invalid", None), forged
    assert (await identity.client.ask("POST", "/v1/sessions/refresh", {"refresh_token": good})).status == 200


async def test_signing_out_ends_this_session_alone(identity: Identity) -> None:
    await register(identity.client)
    one, other = (await sign_in(identity.client)).json, (await sign_in(identity.client)).json
    assert (await identity.client.ask("POST", "/v1/sessions/sign-out", token=one["access_token"])).status == 204
    assert (await until_refused(identity.client, one["access_token"])).refusal == (401, "session-ended", None)
    told = await identity.client.ask("POST", "/v1/sessions/refresh", {"refresh_token": one["refresh_token"]})
    assert told.code == "refresh-token-invalid"
    assert (await identity.client.ask("GET", "/v1/accounts/me", token=other["access_token"])).status == 200


async def test_all_who_come_first_with_a_good_token_are_let_in(identity: Identity) -> None:
    keys = SigningKeys(identity.runtime.database, identity.runtime.settings.need("signing_secret"))
    kid = (await keys.jwks())["keys"][0]["kid"]
    assert None not in await asyncio.gather(*(keys.key(kid) for _ in range(8)))


async def test_who_waits_for_the_next_revocation_is_told_of_it(identity: Identity) -> None:
    await register(identity.client)
    database, stop = identity.runtime.database, asyncio.Event()
    sessions = Sessions(database, identity.runtime.settings.need("digest_secret"))
    following = asyncio.create_task(sessions.follow(Revocations()))
    try:
        ours = await sessions.begin((await sign_in(identity.client)).json["account_id"])
        last = (await sessions.revocations(0))["last"]
        waiting = asyncio.create_task(sessions.next_revocations(last, 3_600, stop))
        async with asyncio.timeout(PATIENCE_SECONDS):
            await database_listens(database)
            await sessions.end(ours.sid)
            assert [one["sid"] for one in (await waiting)["revocations"]] == [ours.sid]
            waiting = asyncio.create_task(sessions.next_revocations(last + 1, 3_600, stop))
            stop.set()
            assert (await waiting)["revocations"] == []
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


async def database_listens(database: Database) -> None:
    """Wait until somebody listens for the end of sessions in this database."""
    listens = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'"
    while not await database.fetchval(listens):
        await asyncio.sleep(0.05)


async def test_revocations_are_numbered_in_order_and_told_in_pages(identity: Identity) -> None:
    id = await register(identity.client)
    sessions = Sessions(identity.runtime.database, "any secret")
    begun = [await sessions.begin(id) for _ in range(20)]
    await asyncio.gather(*(sessions.end(one.sid) for one in begun))
    await sessions.end(begun[0].sid)
    told = await identity.client.ask("GET", "/internal/revocations?after=0", token=SERVICE_SECRET)
    assert {one["sid"] for one in told.json["revocations"]} == {one.sid for one in begun}
    numbers = [one["seq"] for one in told.json["revocations"]]
    assert numbers == sorted(numbers)
    assert len(numbers) == 20
    assert told.json["last"] == numbers[-1]
    rest = await identity.client.ask("GET", f"/internal/revocations?after={numbers[-2]}", token=SERVICE_SECRET)
    assert [one["seq"] for one in rest.json["revocations"]] == numbers[-1:]
    none = await identity.client.ask("GET", f"/internal/revocations?after={numbers[-1]}", token=SERVICE_SECRET)
    assert none.json == {"revocations": [], "last": numbers[-1]}


async def test_a_rotated_key_signs_and_the_former_still_verifies(identity: Identity) -> None:
    await register(identity.client)
    old = await token_of(identity.client)
    kid = (await operating.rotate_signing_key(identity.runtime, [])).rpartition(" ")[2]
    keys = (await identity.client.ask("GET", "/.well-known/jwks.json")).json["keys"]
    assert keys[0]["kid"] == kid
    assert len(keys) == 2
    assert all("d" not in key and key["alg"] == "ES256" and key["use"] == "sig" for key in keys)
    assert (await identity.client.ask("GET", "/v1/accounts/me", token=old)).status == 200
    secret = identity.runtime.settings.need("signing_secret")
    fresh = await SigningKeys(identity.runtime.database, secret).access_token(new_id(), "admin", new_id())
    assert (
        await identity.client.ask("POST", f"/v1/accounts/{new_id()}/approve", token=fresh)
    ).code == "account-unknown"
    row = await identity.runtime.database.fetchrow("SELECT private_pem FROM signing_keys WHERE kid = $1", kid)
    assert row is not None
    assert row["private_pem"].startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")


async def test_many_who_need_the_first_key_at_once_make_one(identity: Identity) -> None:
    secret = identity.runtime.settings.need("signing_secret")
    await asyncio.gather(*(SigningKeys(identity.runtime.database, secret).jwks() for _ in range(8)))
    assert await identity.runtime.database.fetchval("SELECT count(*) FROM signing_keys") == 1


async def test_bootstrap_makes_one_admin_and_repeats_change_nothing(identity: Identity) -> None:
    made = await operating.bootstrap(identity.runtime, [])
    id = made.split()[1]
    assert await operating.bootstrap(identity.runtime, []) == f"admin {id} exists"
    assert (await sign_in(identity.client, ADMIN_EMAIL)).json["role"] == "admin"
    own = await identity.client.ask(
        "POST", "/v1/accounts/me/erasure", token=await token_of(identity.client, ADMIN_EMAIL)
    )
    assert own.refusal == (403, "admins-stay", None)


async def test_bootstrap_needs_an_address_of_nobody_else_and_a_real_password(identity: Identity) -> None:
    short = settings_of("", admin_email=ADMIN_EMAIL, admin_password="short")
    runtime = Runtime("identity", short, identity.runtime.database, identity.runtime.store, {})
    with pytest.raises(operating.PasswordTooShort):
        await operating.bootstrap(runtime, [])
    await register(identity.client, email=ADMIN_EMAIL)
    with pytest.raises(operating.NotAnAdmin):
        await operating.bootstrap(identity.runtime, [])


async def test_erasure_leaves_nothing_of_the_person_and_frees_the_address(identity: Identity) -> None:
    marked = ["Marked-Name", "marked-mail@example.org", "Marked-Phone", "Marked-Bio", "marked-handle"]
    id = await register(identity.client, email=marked[1])
    token = await token_of(identity.client, marked[1])
    new = {
        "name": marked[0], "phone": marked[2], "bio": marked[3], "niche": "food",
        "platforms": [{"platform": "x", "followers": 1, "handle": marked[4]}],
    }  # fmt: skip
    await identity.client.ask("PUT", "/v1/accounts/me/profile", new, token=token)
    told = await identity.client.ask("POST", "/v1/accounts/me/erasure", token=token)
    assert (told.status, told.json) == (200, {"id": id, "revision": 2})
    assert (await until_refused(identity.client, token)).status in (401, 404)
    assert (await sign_in(identity.client, marked[1])).code == "credentials-wrong"
    dump = await everything(identity.owner_url)
    assert id in dump
    assert [text for text in marked if text in dump] == []
    assert await identity.runtime.database.fetchval("SELECT count(*) FROM sessions") == 0
    assert await register(identity.client, email=marked[1]) != id


async def everything(owner_url: str) -> str:
    """Return all rows of all tables as one text."""
    connection = await asyncpg.connect(owner_url)
    try:
        tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        rows = [await connection.fetch(f'SELECT t::text FROM "{table["tablename"]}" t') for table in tables]
        return "\n".join(row["t"] for found in rows for row in found)
    finally:
        await connection.close()
