"""What the event store itself refuses, whatever the domain."""

from shared.kernel.rejected import Kind, Rejected

#: A larger message would stop its partition for ever: Kafka takes 1 MiB at most, headers included.
MESSAGE_LIMIT = 900_000


class TooLarge(Rejected):
    """The event or its public message exceeds MESSAGE_LIMIT bytes."""

    code = "too-large"
    kind = Kind.VALUE
    text = "What this command would record is larger than {limit} bytes."


class RevisionMoved(Rejected):
    """The caller's If-Match names a revision that is no longer the object's."""

    code = "revision-moved"
    text = "The object is at revision {revision}, not at the one that If-Match names."
