"""What relays and consumers tell Prometheus."""

from prometheus_client import Counter, Gauge

RELAY_LEADER = Gauge("sponsio_relay_leader", "1 where this process's relay leads", ["service"])
RELAY_SILENT = Gauge("sponsio_relay_silent", "1 where Kafka holds what the store does not", ["service"])
RELAY_SENT = Counter("sponsio_relay_sent", "Messages acknowledged by Kafka, repeats included", ["service"])
RELAY_FAILURES = Counter("sponsio_relay_failures", "Attempts of the relay that failed and were begun anew", ["service"])

APPLIED = Counter("sponsio_consumer_applied", "Messages stepped over with their effect", ["consumer"])
AT_ONCE = Counter("sponsio_projector_at_once", "Steps that took one round trip, without locks", ["consumer"])
DUPLICATES = Counter("sponsio_consumer_duplicates", "Messages that came again and were skipped", ["consumer"])
FOREIGN = Counter("sponsio_consumer_foreign", "Records without a number, which are not ours", ["consumer"])
OVERTAKEN = Counter("sponsio_consumer_overtaken", "Times that another consumer had moved the checkpoint", ["consumer"])
FAILURES = Counter("sponsio_consumer_failures", "Batches that waited for a database or a broker", ["consumer"])
BLOCKED = Gauge("sponsio_consumer_blocked", "Partitions on which messages are missing", ["consumer"])
PARKED = Counter("sponsio_consumer_parked", "Messages parked for a process or projection", ["consumer", "unit"])
