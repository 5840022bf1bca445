"""Tests of the whole project: the fixtures that they share come from shared/testing/infra.py."""

import pytest

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


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep together what shares something slow to make: all tests of the one platform, and otherwise each file.

    `make test` runs two workers side by side, each with servers of its own; a group goes to one of them.
    """
    for item in items:
        shares_platform = "platform" in getattr(item, "fixturenames", ())
        item.add_marker(pytest.mark.xdist_group("platform" if shares_platform else item.path.as_posix()))
