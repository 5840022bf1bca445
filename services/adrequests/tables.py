"""The table that adrequests has beside its event store. What is in it can be erased."""

from sqlalchemy import Column, DateTime, Index, Integer, MetaData, Table, Text

metadata = MetaData()

#: What the two sides write to each other: beside offers, with requests for changes, as reviews.
private_texts = Table(
    "private_texts",
    metadata,
    Column("kind", Text, primary_key=True),  # offer, changes, review
    Column("subject_id", Text, primary_key=True),  # of the ad request or deal
    Column("number", Integer, primary_key=True),  # the offer's version, or the round of changes
    Column("author_id", Text, primary_key=True),
    Column("sponsor_id", Text, nullable=False),
    Column("influencer_id", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("written_at", DateTime(timezone=True), nullable=False),
    Index("private_texts_sponsor", "sponsor_id"),
    Index("private_texts_influencer", "influencer_id"),
)
