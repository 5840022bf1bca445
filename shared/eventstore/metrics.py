"""What the event store tells Prometheus."""

from prometheus_client import Counter, Gauge

ENTRIES = Counter("sponsio_append_entries", "Entries by what became of them", ["outcome"])
BATCHES = Counter(
    "sponsio_append_batches",
    "Batches: `at_once` took one round trip, `again` two (it came before the one in front), `locked` five more",
    ["way"],
)
QUEUED = Gauge("sponsio_append_queued", "Entries that wait to be appended, as the last batch was taken")
STREAMS = Counter("sponsio_streams", "Streams that were decided on, by where they came from", ["source"])

AT_ONCE, AGAIN, LOCKED = (BATCHES.labels(way) for way in ("at_once", "again", "locked"))
REMEMBERED, READ = STREAMS.labels("memory"), STREAMS.labels("store")
