"""What every service does when identity tells of accounts."""

from datetime import UTC, datetime

import hypothesis

from shared.accounts import accounts_followed, erasure
from shared.accounts.standing import EraseTexts, NoteStanding
from shared.contracts import identity
from shared.testing.scenario import assert_total, shuffled, took

AT = datetime(2026, 5, 10, tzinfo=UTC)
A, B = "sponsor-1", "sponsor-2"

registered = identity.AccountRegistered(A, "sponsor", "pending_approval")
approved = identity.AccountApproved(A, "sponsor")
rejected = identity.AccountRejected(A, "sponsor", "fraud")
restricted = identity.AccountRestricted(A, "sponsor", "active", "spam")
lifted = identity.AccountRestrictionLifted(A, "sponsor", "active")
erased = identity.PersonErased(A, "sponsor", "active", True)

ALL: list[accounts_followed.Message] = [registered, approved, rejected, restricted, lifted, erased]


def test_each_message_of_identity_is_a_standing() -> None:
    took(accounts_followed).when(registered, AT).then(NoteStanding(A, "sponsor", "pending_approval", None))
    took(accounts_followed, registered).when(approved, AT).then(NoteStanding(A, "sponsor", "active", None))
    took(accounts_followed, registered).when(rejected, AT).then(NoteStanding(A, "sponsor", "rejected", None))
    took(accounts_followed, registered, approved).when(restricted, AT).then(
        NoteStanding(A, "sponsor", "active", "spam")
    )
    took(accounts_followed, registered, restricted).when(approved, AT).then(
        NoteStanding(A, "sponsor", "active", "spam")
    )
    took(accounts_followed, registered, approved, restricted).when(lifted, AT).then(
        NoteStanding(A, "sponsor", "active", None)
    )
    took(accounts_followed, registered, approved).when(erased, AT).then(NoteStanding(A, "sponsor", "erased", None))


def test_each_account_has_an_instance_of_its_own() -> None:
    assert {accounts_followed.route(message) for message in ALL} == {A}


def test_following_accounts_is_total() -> None:
    assert_total(accounts_followed, ALL)


ONE: list[accounts_followed.Message] = [registered, approved, restricted]
OTHERS: list[accounts_followed.Message] = [identity.AccountRegistered(B, "sponsor", "pending_approval")]


@hypothesis.given(shuffled({A: ONE, B: OTHERS}))
def test_accounts_do_not_touch_each_other(messages: list[accounts_followed.Message]) -> None:
    states = {A: accounts_followed.INITIAL, B: accounts_followed.INITIAL}
    for message in messages:
        states[message.account_id] = accounts_followed.evolve(states[message.account_id], message)
    assert states == {
        A: accounts_followed.Followed("active", "spam"),
        B: accounts_followed.Followed("pending_approval"),
    }


def test_an_erased_person_leaves_no_texts() -> None:
    took(erasure).when(erased, AT).then(EraseTexts(A, "sponsor"))
    assert erasure.route(erased) == A
    assert_total(erasure, [erased])
