"""The index of identity: every command and who handles it. What is personal goes to tables, never into an event."""

import orjson

from services.identity import sessions
from services.identity.domain import account, profile
from shared.eventstore.handlers import DeadlineHandlers, Handlers, Reply, led_by, on
from shared.eventstore.work import Work
from shared.kernel.record import record

PERSON = """
INSERT INTO people (account_id, version, name, email, phone, bio, handles) VALUES ($1, 1, $2, $3, '', '', '{}')
ON CONFLICT DO NOTHING"""
CREDENTIALS = """
INSERT INTO credentials (account_id, email_digest, password_hash) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"""
CHANGE_PERSON = """
UPDATE people SET version = $2, name = $3, phone = $4, bio = $5, handles = $6::jsonb WHERE account_id = $1"""
FORGET_PERSON = "DELETE FROM people WHERE account_id = $1"


@record
class Register:
    """Somebody comes: an account and a first profile, under an address that nobody else has."""

    account_id: str
    role: str
    name: str
    email: str
    email_digest: str
    password_hash: str


@record
class ChangePerson:
    """The whole profile anew, its public and its personal part."""

    account_id: str
    name: str
    phone: str
    bio: str
    handles: dict[str, str]
    niche: str
    platforms: tuple[profile.Platform, ...]


@record
class Forget:
    """The person wants to be forgotten."""

    account_id: str
    email_digest: str | None


async def register(work: Work, command: Register) -> Reply:
    """Let somebody register in a role that is open to everybody."""
    await work.decide(account, command.account_id, account.RegisterAccount(command.account_id, command.role))
    return await _settle_in(work, command, command.role)


async def bootstrap_admin(work: Work, command: Register) -> Reply:
    """Make an admin, whatever role the command names. It is in no index: only the operator's verb calls it."""
    await work.decide(account, command.account_id, account.BootstrapAdmin(command.account_id))
    return await _settle_in(work, command, "admin")


async def _settle_in(work: Work, command: Register, role: str) -> Reply:
    """Open the profile, claim the address, keep the person's name, address and password hash."""
    id = command.account_id
    await work.decide(profile, id, profile.OpenProfile(id, role))
    work.claim("email", command.email_digest, id, account.EmailTaken())
    work.write(PERSON, id, command.name, command.email)
    work.write(CREDENTIALS, id, command.email_digest, command.password_hash)
    return {"id": id, "revision": work.revision(account, id)}


async def change_person(work: Work, command: ChangePerson) -> Reply:
    """Make the profile's next version."""
    id = command.account_id
    owner = account.must_be_able_to_act(await work.load(account, id))
    await work.decide(profile, id, profile.ChangeProfile(id, owner.role, command.niche, command.platforms))
    version = (await work.load(profile, id)).version
    handles = orjson.dumps(command.handles).decode()
    work.write(CHANGE_PERSON, id, version, command.name, command.phone, command.bio, handles)
    return {"id": id, "revision": work.revision(profile, id)}


async def forget(work: Work, command: Forget) -> Reply:
    """Erase the person: sessions end, the address is free, no row is left."""
    id = command.account_id
    await work.decide(account, id, account.ErasePerson(id))
    if command.email_digest is not None:
        work.release("email", command.email_digest, id)
    work.write(sessions.IN_ORDER)
    for statement in sessions.END_ALL:
        work.write(statement, id)
    work.write(FORGET_PERSON, id)
    return {"id": id, "revision": work.revision(account, id)}


HANDLERS: Handlers = {
    Register: led_by(account, "account_id", register),
    ChangePerson: led_by(profile, "account_id", change_person),
    Forget: led_by(account, "account_id", forget),
    account.ApproveAccount: on(account, "account_id"),
    account.RejectAccount: on(account, "account_id"),
    account.RestrictAccount: on(account, "account_id"),
    account.LiftRestriction: on(account, "account_id"),
}

DEADLINES: DeadlineHandlers = {}
