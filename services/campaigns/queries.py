"""What campaigns reads of its own tables."""

from shared.eventstore.database import Database

MESSAGE = """
SELECT message FROM application_messages WHERE application_id = $1 AND $2 IN (sponsor_id, influencer_id)"""


async def message(database: Database, application_id: str, reader_id: str) -> str | None:
    """Return what was written with an application, for its two parties; None for others and where it was erased."""
    text: str | None = await database.fetchval(MESSAGE, application_id, reader_id)
    return text
