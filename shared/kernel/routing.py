"""Where a message goes: the partition of its key, in topics whose number of partitions never changes."""

from zlib import crc32

#: Fixed for ever: the order of a key and the numbers of a partition hang on it. Growth is a new topic generation.
PARTITIONS = 6


def partition_of(key: str) -> int:
    """Return the partition (0 to PARTITIONS - 1) of a message key; pure, since it is asked under the append lock."""
    return crc32(key.encode()) % PARTITIONS
