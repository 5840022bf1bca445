"""What only an operator does: make the first admin, rotate the key that signs access tokens."""

from collections.abc import Sequence
from functools import partial

from services.identity import queries
from services.identity.application import Register, bootstrap_admin
from services.identity.credentials import SHORTEST_PASSWORD, Passwords, email_digest
from services.identity.domain import account
from services.identity.signing import SigningKeys
from shared.eventstore.entry import Metadata
from shared.kernel.ids import new_id
from shared.roles.definition import Runtime


class NotAnAdmin(Exception):
    """ADMIN_EMAIL belongs to somebody who is no admin."""


class PasswordTooShort(Exception):
    """ADMIN_PASSWORD is shorter than what is asked of everybody."""


async def bootstrap(runtime: Runtime, arguments: Sequence[str]) -> str:
    """Make the admin of ADMIN_EMAIL and ADMIN_PASSWORD; nothing changes where he exists."""
    email, password = runtime.settings.need("admin_email"), runtime.settings.need("admin_password")
    digest = email_digest(runtime.settings.need("digest_secret"), email)
    if (known := await queries.credentials(runtime.database, digest)) is not None:
        return await _known(runtime, known[0])
    if len(password) < SHORTEST_PASSWORD:
        raise PasswordTooShort(f"ADMIN_PASSWORD has less than {SHORTEST_PASSWORD} characters")
    passwords = Passwords()
    hash = await passwords.hash(password)
    passwords.close()
    id = new_id()
    command = Register(id, "admin", "Admin", email, digest, hash)
    metadata = Metadata(actor="system:bootstrap", correlation_id=new_id(), reason="bootstrap")
    try:
        await runtime.store.execute(partial(bootstrap_admin, command=command), metadata)
    except account.EmailTaken:  # another one was first, in this very moment
        known = await queries.credentials(runtime.database, digest)
        assert known is not None
        return await _known(runtime, known[0])
    return f"admin {id} made"


async def _known(runtime: Runtime, account_id: str) -> str:
    state, _ = await runtime.store.as_of(account, account_id)
    if not isinstance(state, account.Account) or state.role != "admin":
        raise NotAnAdmin("ADMIN_EMAIL belongs to an account that is no admin")
    return f"admin {account_id} exists"


async def rotate_signing_key(runtime: Runtime, arguments: Sequence[str]) -> str:
    """Sign access tokens with a new key; those of the former stay good until they expire."""
    kid = await SigningKeys(runtime.database, runtime.settings.need("signing_secret")).rotate()
    return f"signing with {kid}"
