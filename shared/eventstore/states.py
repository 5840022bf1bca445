"""The folded states that a process remembers, so that a command on a stream that it knows reads nothing.

They may be out of date: others append too. Whoever decides on one says so in the entry (`Entry.reckoned`), and the
append lets it in only where the epoch and the versions of all streams are still those.
"""

from collections.abc import Iterable

from shared.eventstore.read import Folding, Loaded

LIMIT = 2_048  # streams; the one that was not asked for longest goes first


class States:
    """What was true at a commit of this process, by module and stream."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._known: dict[tuple[Folding, str], tuple[str, Loaded]] = {}

    def keep(self, epoch: str, module: Folding, stream: str, loaded: Loaded) -> None:
        """Remember a state that a commit in `epoch` has proven; of one epoch the newest stays."""
        known = self._known.pop((module, stream), None)
        if known is not None and known[0] == epoch and known[1].version > loaded.version:
            epoch, loaded = known
        self._known[module, stream] = (epoch, loaded)
        if len(self._known) > self._limit:
            del self._known[next(iter(self._known))]

    def get(self, epoch: str, module: Folding, stream: str) -> Loaded | None:
        """Return what is remembered of a stream of this epoch, or None."""
        known = self._known.pop((module, stream), None)
        if known is None or known[0] != epoch:
            return None
        self._known[module, stream] = known
        return known[1]

    def forget(self, streams: Iterable[tuple[str, Folding]]) -> None:
        """Forget these, one of which is not as we thought."""
        for stream, module in streams:
            self._known.pop((module, stream), None)
