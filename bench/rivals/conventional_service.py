"""A rival: a service as it is usually built, on FastAPI and SQLAlchemy's async ORM.

One session per request, rows with a version that every UPDATE checks, an outbox row and the answer kept under its
Idempotency-Key in the same transaction. It verifies no token and limits nobody: the gateway before it would.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Header, HTTPException, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import JSON, DateTime, Text, func
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.orm.exc import StaleDataError

ATTEMPTS = 5
POOL = 20
DRAFTS = 64


class Base(DeclarativeBase):
    """Of all tables."""


class Campaign(Base):
    """What is edited; `revision` is checked and counted up by every UPDATE."""

    __tablename__ = "campaigns"

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    revision: Mapped[int] = mapped_column()
    sponsor_id: Mapped[str] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
    description: Mapped[str] = mapped_column(Text)
    budget_minor: Mapped[int]
    state: Mapped[str] = mapped_column(Text, default="draft")

    __mapper_args__ = {"version_id_col": revision}  # noqa: RUF012


class Outbox(Base):
    """Messages that somebody is to publish."""

    __tablename__ = "outbox"

    id: Mapped[int] = mapped_column(primary_key=True)
    type: Mapped[str] = mapped_column(Text)
    key: Mapped[str] = mapped_column(Text)
    payload: Mapped[dict[str, Any]] = mapped_column(JSON)
    written_at: Mapped[Any] = mapped_column(DateTime(timezone=True), server_default=func.now())


class Answered(Base):
    """The answer to a request, for those who ask again."""

    __tablename__ = "answered"

    key: Mapped[str] = mapped_column(Text, primary_key=True)
    answer: Mapped[dict[str, Any]] = mapped_column(JSON)


class Edit(BaseModel):
    """The fields of a draft that are to change."""

    model_config = ConfigDict(extra="forbid", strict=True)

    title: Annotated[str | None, Field(min_length=1, max_length=120)] = None
    description: Annotated[str | None, Field(min_length=1, max_length=5_000)] = None
    budget_minor: Annotated[int | None, Field(ge=1)] = None


class Edited(BaseModel):
    """What is answered."""

    id: str
    revision: int


engine = create_async_engine(os.environ["DATABASE_URL"], pool_size=POOL, max_overflow=0)
sessions = async_sessionmaker(engine, expire_on_commit=False)


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    async with sessions() as session, session.begin():
        for number in range(DRAFTS):
            session.add(Campaign(id=f"c{number}", sponsor_id="s", title="Bench", description="x", budget_minor=1))
    yield
    await engine.dispose()


app = FastAPI(lifespan=lifespan)


async def session_of() -> AsyncIterator[AsyncSession]:
    async with sessions() as session:
        yield session


@app.patch("/v1/campaigns/{campaign_id}")
async def edit(
    campaign_id: str,
    body: Edit,
    request: Request,
    session: Annotated[AsyncSession, Depends(session_of)],
    idempotency_key: Annotated[str, Header(min_length=1, max_length=200)],
) -> Edited:
    """Change a draft, at most once for each key; again where somebody else has changed it meanwhile."""
    key = f"{request.url.path}:{idempotency_key}"
    for _ in range(ATTEMPTS):
        try:
            async with session.begin():
                return await _edit(session, campaign_id, body, key)
        except StaleDataError:
            session.expire_all()
    raise HTTPException(503)


async def _edit(session: AsyncSession, campaign_id: str, body: Edit, key: str) -> Edited:
    if (before := await session.get(Answered, key)) is not None:
        return Edited(**before.answer)
    campaign = await session.get(Campaign, campaign_id)
    if campaign is None:
        raise HTTPException(404)
    if campaign.state != "draft":
        raise HTTPException(409)
    changes = body.model_dump(exclude_unset=True)
    for name, value in changes.items():
        setattr(campaign, name, value)
    await session.flush()
    edited = Edited(id=campaign.id, revision=campaign.revision)
    payload = {"campaign_id": campaign.id, **changes}
    session.add(Outbox(type="campaigns.CampaignEdited.v1", key=campaign.id, payload=payload))
    session.add(Answered(key=key, answer=edited.model_dump()))
    return edited
