"""All public events of all producers, by wire name and by record."""

from shared.contracts import adrequests, campaigns, identity, moderation, payments

PRODUCERS = ("identity", "campaigns", "adrequests", "payments", "moderation")

#: Wire name -> record.
MESSAGES: dict[str, type] = {
    **identity.MESSAGES,
    **campaigns.MESSAGES,
    **adrequests.MESSAGES,
    **payments.MESSAGES,
    **moderation.MESSAGES,
}

#: Record -> wire name.
TYPES: dict[type, str] = {kind: name for name, kind in MESSAGES.items()}
