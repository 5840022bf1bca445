"""Tests of the whole project: the fixtures that they share come from shared/testing/infra.py."""

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
