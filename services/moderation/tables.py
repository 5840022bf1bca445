"""Moderation has no tables beside its event store."""

from sqlalchemy import MetaData

metadata = MetaData()
