"""The planted faults: what each breaks in a copy of the product, and the invariant that must notice."""

from shared.kernel.record import record
from tests.chaos.planted.edits import Edit


@record
class Fault:
    """`scenario` is what shows it; `release` is done to the control's copy as well: it breaks nothing."""

    number: int
    name: str
    breaks: str
    invariant: str
    scenario: str
    edits: tuple[Edit, ...]
    release: tuple[Edit, ...] = ()


APPLICATION = "services/payments/application.py"
EXECUTE = "shared/eventstore/execute.py"
COMMIT = "shared/eventstore/commit.py"
PROJECTIONS = "shared/messaging/projections.py"
PAYMENTS = "services/payments/main.py"
STANDING = "shared/accounts/standing.py"

MOVE = "        parked = await checkpoint.move(connection, self._moves(runs))\n"
NO_MOVE = "        parked = True\n"
TAKE = "    async def _take(self, runs: Sequence[Run], refused: Mapping[str, str]) -> None:\n"
#: A step under locks each time: there its parts are apart.
UNDER_LOCKS = Edit(PROJECTIONS, "        if not refused and self._trust.trusted()", "        if False")
TRANSACTION = "        async with self._database.pool.acquire() as connection, connection.transaction():\n"

#: What was decided more than a second before its commit is decided again: on a slow machine that would hide the fault.
UNPROVEN = "    work.reckoned = None\n"

FAULTS = (
    Fault(
        1,
        "numbers-without-lock",
        "the numbers of messages are read before the append lock is had",
        "kafka-equals-stores",
        "two_replicas_publish",
        (
            Edit(COMMIT, "            guess = self._memory.trusted()\n", "            guess = False\n"),
            Edit(
                COMMIT,
                "            row = await connection.fetchrow(LOCK)\n",
                '            unlocked = await connection.fetchval("SELECT numbers FROM head")\n'
                "            row = await connection.fetchrow(LOCK)\n",
            ),
            Edit(COMMIT, 'tuple(row["numbers"])', "tuple(unlocked)"),
        ),
    ),
    Fault(
        2,
        "checkpoint-after-effect",
        "a projector moves its checkpoint in a transaction of its own, after the effect",
        "read-models",
        "hung_up_at_the_checkpoint",
        (
            UNDER_LOCKS,
            Edit(PROJECTIONS, MOVE, NO_MOVE),
            Edit(
                PROJECTIONS,
                "            await self.take_within(connection, runs, refused)\n",
                "            await self.take_within(connection, runs, refused)\n"
                + TRANSACTION
                + "            await checkpoint.move(connection, self._moves(runs))\n",
            ),
        ),
    ),
    Fault(
        3,
        "checkpoint-before-effect",
        "a projector moves its checkpoint in a transaction of its own, before the effect",
        "read-models",
        "hung_up_at_the_rows",
        (
            UNDER_LOCKS,
            Edit(PROJECTIONS, MOVE, NO_MOVE),
            Edit(
                PROJECTIONS,
                TAKE,
                TAKE
                + TRANSACTION
                + "            await checkpoint.move(connection, self._moves(runs))\n",
            ),
        ),
    ),
    Fault(
        4,
        "no-number-check",
        "a reader takes messages that it has taken before",
        "money",
        "stopped_relay",
        (
            Edit(
                "shared/messaging/checkpoint.py",
                "            if number == here.number + 1:\n",
                "            if number <= here.number + 1:\n",
            ),
        ),
    ),
    Fault(
        5,
        "no-expected-version",
        "a withdrawal expects no version of what it has read",
        "ledger",
        "two_replicas_withdraw",
        (
            Edit(
                APPLICATION,
                "    await move(work, paid)\n",
                "    await move(work, paid)\n    work._expects.clear()\n" + UNPROVEN,
            ),
        ),
    ),
    Fault(
        6,
        "answer-on-its-own",
        "the answer to an Idempotency-Key is kept in a transaction of its own",
        "happened-once",
        "hung_up_at_the_answers",
        (
            Edit("shared/eventstore/admit.py", "            batch.answers.append((", "            _ = ((",),
            Edit(
                EXECUTE,
                "        if isinstance(outcome, Taken):\n",
                "        request = asked.request\n"
                "        if request is not None and isinstance(outcome, Committed) and outcome.answer is not None:\n"
                "            kept = outcome.answer\n"
                "            await self.database.execute(\n"
                '                "INSERT INTO answers VALUES ($1, $2, $3, $4, $5, store_now())",\n'
                "                request.key, request.digest, kept.status, kept.body, kept.token,\n"
                "            )\n"
                "        if isinstance(outcome, Taken):\n",
            ),
        ),
    ),
    Fault(
        7,
        "answered-before-commit",
        "top-ups are answered while their commit is under way",
        "acknowledged-happened",
        "hung_up_at_the_head",
        (
            Edit(
                EXECUTE,
                "        outcome = await self.appender.append(entry)\n        if isinstance",
                '        if asked.request and "/v1/wallet/top-ups" in asked.request.key and entry.answer is not None:\n'
                "            self._later = asyncio.create_task(self.appender.append(entry))\n"
                '            return Executed(entry.answer.status, entry.answer.body, "", repeated=False)\n'
                "        outcome = await self.appender.append(entry)\n        if isinstance",
            ),
        ),
    ),
    Fault(
        8,
        "rows-not-locked",
        "a projector neither locks the rows that it folds into nor looks whether they still are what it has read",
        "read-models",
        "two_projectors",
        (
            Edit(
                "shared/messaging/rows.py",
                "DO UPDATE SET version = t.version WHERE false",
                "DO NOTHING",
            ),
            Edit("shared/messaging/at_once.py", " AND t.xmin = w.writer", ""),
        ),
    ),
    Fault(
        9,
        "successors-flow-on",
        "a projection takes what follows a parked message of the same key",
        "parked-order",
        "parked_key",
        (
            Edit(
                PROJECTIONS,
                '{(r["unit"], r["topic"], r["key"]) for r in found}',
                "set[Chain]()",
            ),
        ),
    ),
    Fault(
        10,
        "wall-clock",
        "a projection reads the clock instead of the message's time",
        "read-models",
        "nothing_more",
        (
            Edit(
                "services/gateway/projections/ad_requests.py",
                "        updated_at=at,\n",
                "        updated_at=datetime.now(at.tzinfo),\n",
            ),
        ),
    ),
    Fault(
        11,
        "upcaster-drops-a-field",
        "an upcaster leaves out a field that has a default in the new version",
        "restricted",
        "old_event",
        (
            Edit(
                PAYMENTS,
                '"accounts.StandingNoted.v2", fields',
                '"accounts.StandingNoted.v2", {name: fields[name] for name in ("account_id", "role", "state")}',
            ),
        ),
        release=(
            Edit(STANDING, '"accounts.StandingNoted.v1": StandingNoted', '"accounts.StandingNoted.v2": StandingNoted'),
            Edit(
                STANDING,
                "    restriction: str | None\n\n\nEvent = StandingNoted",
                "    restriction: str | None = None\n\n\nEvent = StandingNoted",
            ),
            Edit(
                PAYMENTS,
                "    audits=(queries.balanced,),\n",
                "    audits=(queries.balanced,),\n"
                '    upcasters={"accounts.StandingNoted.v1": lambda fields: ("accounts.StandingNoted.v2", fields)},\n',
            ),
        ),
    ),
    Fault(
        12,
        "restored-keeps-its-epoch",
        "a store that was restored goes on in the epoch that it had",
        "kafka-equals-stores",
        "restored_store",
        (
            Edit(
                "shared/messaging/restoring.py",
                '            await connection.execute("UPDATE head SET epoch = $1", turn.epoch)\n',
                "",
            ),
        ),
    ),
    Fault(
        13,
        "restriction-not-expected",
        "a top-up checks the standing of its sponsor without expecting its version",
        "restricted",
        "restricted_meanwhile",
        (
            Edit(
                APPLICATION,
                "    standing.must_be_approved(await work.load(standing, command.by))\n",
                "    standing.must_be_approved(await work.load(standing, command.by))\n"
                '    del work._expects[f"{standing.CATEGORY}-{command.by}"]\n' + UNPROVEN,
            ),
        ),
    ),
    Fault(
        14,
        "announced-before-commit",
        "a change of a row is announced when the message comes, not by the commit",
        "live",
        "live_dashboard",
        (
            UNDER_LOCKS,
            Edit(PROJECTIONS, "in await fold.write(connection)]", "in await fold.write(connection) and ()]"),
            Edit(
                PROJECTIONS,
                TAKE,
                TAKE
                + "        await self._database.execute(\"SELECT pg_notify('changed', '')\")\n",
            ),
        ),
    ),
)  # fmt: skip
