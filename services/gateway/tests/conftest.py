"""A running gateway for each test."""

from collections.abc import AsyncIterator, Callable

import pytest

from deploy.local.fresh import FreshDatabase
from services.gateway.tests.room import Gateway, opened


@pytest.fixture
async def gateway(service_database: Callable[[str], FreshDatabase]) -> AsyncIterator[Gateway]:
    """A gateway whose read models are empty."""
    async with opened(service_database("gateway")) as gateway:
        yield gateway
