"""The tables that the gateway has beside those of the event store: one for each read model, and people."""

from sqlalchemy import BigInteger, Boolean, Column, MetaData, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB

from services.gateway.consumers import PROJECTIONS

metadata = MetaData()

#: `row` is the record of the projection's module; `version` counts the messages in it, `seen` says which.
projections = {
    projection.NAME: Table(
        projection.NAME,
        metadata,
        Column("key", Text(collation="C"), primary_key=True),
        Column("row", JSONB, nullable=False),
        Column("version", BigInteger, nullable=False),
        Column("seen", JSONB, nullable=False),
    )
    for projection in PROJECTIONS
}

#: What is personal: fetched from identity, joined when reading, never folded into a row. It can be erased.
people = Table(
    "people",
    metadata,
    Column("account_id", Text(collation="C"), primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("name", Text),
    Column("bio", Text),
    Column("details", JSONB, nullable=False, server_default=text("'{}'")),
    Column("erased", Boolean, nullable=False, server_default=text("false")),
)
