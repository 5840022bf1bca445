"""What identity reads of its own tables."""

from typing import Any

import orjson

from shared.eventstore.database import Database

CREDENTIALS = "SELECT account_id, password_hash FROM credentials WHERE email_digest = $1"
EMAIL_DIGEST = "SELECT email_digest FROM credentials WHERE account_id = $1"
PERSON = "SELECT version, name, email, phone, bio, handles::text FROM people WHERE account_id = $1"


async def credentials(database: Database, email_digest: str) -> tuple[str, str] | None:
    """Return (account id, password hash) of the account with this address, or None."""
    row = await database.fetchrow(CREDENTIALS, email_digest)
    return (row["account_id"], row["password_hash"]) if row else None


async def email_digest(database: Database, account_id: str) -> str | None:
    """Return the digest under which the account holds its address, or None where it is erased or unknown."""
    digest: str | None = await database.fetchval(EMAIL_DIGEST, account_id)
    return digest


async def person(database: Database, account_id: str) -> dict[str, Any] | None:
    """Return all that is personal, for the person alone; None where it is erased or unknown."""
    row = await database.fetchrow(PERSON, account_id)
    return {**row, "handles": orjson.loads(row["handles"])} if row else None


async def shown(database: Database, account_id: str) -> dict[str, Any] | None:
    """Return what others may see of a person, with its version; None where it is erased or unknown."""
    known = await person(database, account_id)
    return known and {name: known[name] for name in ("version", "name", "bio", "handles")}
