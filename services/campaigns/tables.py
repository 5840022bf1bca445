"""The tables that campaigns has beside its event store. What is in them can be erased."""

from sqlalchemy import Column, DateTime, Index, MetaData, Table, Text

metadata = MetaData()

#: What an influencer wrote with an application: read by the two parties, deleted with the person.
application_messages = Table(
    "application_messages",
    metadata,
    Column("application_id", Text, primary_key=True),
    Column("sponsor_id", Text, nullable=False),
    Column("influencer_id", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("written_at", DateTime(timezone=True), nullable=False),
    Index("application_messages_influencer", "influencer_id"),
)
