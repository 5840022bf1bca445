"""identity: `python -m services.identity.main <role>`."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from services.identity import operating
from services.identity.application import DEADLINES, HANDLERS
from services.identity.credentials import Passwords
from services.identity.domain import account, profile
from services.identity.processes import moderation_followed
from services.identity.publishing import publish
from services.identity.sessions import Sessions
from services.identity.signing import SigningKeys
from shared.roles.cli import cli
from shared.roles.definition import Definition, Runtime
from shared.web.authentication import Authenticator
from shared.web.revocations import Revocations


@asynccontextmanager
async def extras(runtime: Runtime) -> AsyncIterator[Mapping[str, object]]:
    """Open what signing in needs; tokens are verified with this service's own keys and sessions."""
    settings = runtime.settings
    passwords = Passwords()
    keys = SigningKeys(runtime.database, settings.need("signing_secret"))
    sessions = Sessions(runtime.database, settings.need("digest_secret"))
    revocations = Revocations()
    following = asyncio.create_task(sessions.follow(revocations), name="revocations")
    try:
        yield {
            "authenticator": Authenticator(keys, revocations),
            "passwords": passwords,
            "sessions": sessions,
            "signing_keys": keys,
            "digest_secret": settings.need("digest_secret"),
        }
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        passwords.close()


DEFINITION = Definition(
    name="identity",
    registries=(account.EVENTS, profile.EVENTS),
    publish=publish,
    handlers=lambda settings: HANDLERS,
    deadlines=lambda settings: DEADLINES,
    processes=(moderation_followed,),
    api="services.identity.api",
    extras=extras,
    verbs={"bootstrap": operating.bootstrap, "rotate-signing-key": operating.rotate_signing_key},
)

if __name__ == "__main__":
    cli(DEFINITION)
