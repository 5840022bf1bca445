"""Identifiers: UUIDv7 (RFC 9562) in their canonical text form, so that ids sort by the time they were made."""

import re

import uuid_utils

ID_PATTERN = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def new_id() -> str:
    """Return a fresh UUIDv7 as 36 characters of lower-case text."""
    return str(uuid_utils.uuid7())


def is_id(text: str) -> bool:
    """Tell whether `text` is a UUIDv7 in canonical form."""
    return ID_PATTERN.fullmatch(text) is not None
