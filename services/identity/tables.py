"""The tables that identity has beside its event store: all that is personal or secret, and can be erased."""

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData()

#: The personal part of a profile; `version` is that of the profile's public part.
people = Table(
    "people",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("phone", Text, nullable=False),  # '' where not told, like bio
    Column("bio", Text, nullable=False),
    Column("handles", JSONB, nullable=False),  # platform -> handle
)

#: What one signs in with. The address itself is in `people` alone.
credentials = Table(
    "credentials",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("email_digest", Text, nullable=False, unique=True),
    Column("password_hash", Text, nullable=False),
)

#: A session lives as long as its refresh token, of which `generation` is the only one that is good.
sessions = Table(
    "sessions",
    metadata,
    Column("sid", Text, primary_key=True),
    Column("account_id", Text, ForeignKey("credentials.account_id", ondelete="CASCADE"), nullable=False),
    Column("generation", Integer, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("revoked_at", DateTime(timezone=True)),
    Index("sessions_account", "account_id"),
)

#: Sessions that ended before their access tokens: every api process asks for what is new. `seq` is dense in time.
revocations = Table(
    "revocations",
    metadata,
    Column("seq", BigInteger, Identity(always=True), primary_key=True),
    Column("sid", Text, nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),  # no access token of the session lives longer
)

#: The keys that sign access tokens; the private half is encrypted with SIGNING_SECRET.
signing_keys = Table(
    "signing_keys",
    metadata,
    Column("kid", Text, primary_key=True),
    Column("private_pem", LargeBinary, nullable=False),
    Column("public_jwk", JSONB, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("retired_at", DateTime(timezone=True)),
)
