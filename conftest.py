"""Tests of the whole project: the fixtures that they share come from shared/testing/infra.py."""

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from shared.testing.infra import (
    fresh_databases,
    infra,
    own_kafka,
    run_name,
    service_database,
    store_database,
    topic_prefix,
)

__all__ = ["fresh_databases", "infra", "own_kafka", "run_name", "service_database", "store_database", "topic_prefix"]


class Groups(LoadScopeScheduling):
    """Keeps together what shares something slow to make: all tests of the one platform, and otherwise each file.

    `make test` runs two workers side by side, each with servers of its own; a group goes to one of them.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "platform" if file.startswith(("tests/journeys/", "tests/security/")) else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Groups:
    """Give the workers whole groups, the largest first."""
    return Groups(config, log)
