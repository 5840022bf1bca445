"""S0-01, S1-11, P-01, N12, S0-06: who is let in, who is restricted, who is forgotten."""

import pytest

from services.identity.domain import account
from services.identity.domain.account import (
    REJECTION_REASONS,
    Account,
    AccountApproved,
    AccountExists,
    AccountRegistered,
    AccountRejected,
    AccountRestricted,
    AccountRestrictedNow,
    AccountRestrictionLifted,
    AccountTurnedAway,
    AccountUnknown,
    AdminsStay,
    AlreadyErased,
    ApproveAccount,
    BootstrapAdmin,
    Empty,
    Erased,
    ErasePerson,
    LiftRestriction,
    NotPendingApproval,
    PersonErased,
    ReasonUnknown,
    RegisterAccount,
    RejectAccount,
    RestrictAccount,
    RoleNotForRegistration,
)
from shared.kernel.rejected import Rejected
from shared.testing.scenario import given

ID = "account-1"

sponsor = AccountRegistered(ID, "sponsor", "pending_approval")
influencer = AccountRegistered(ID, "influencer", "active")
admin = AccountRegistered(ID, "admin", "active")
approved = AccountApproved(ID, "sponsor")
rejected = AccountRejected(ID, "sponsor", "fraud")
restricted = AccountRestricted(ID, "influencer", "active", "spam")
lifted = AccountRestrictionLifted(ID, "influencer", "active")
erased = PersonErased(ID, "influencer", "active", False)


def test_sponsors_wait_for_approval_and_influencers_do_not() -> None:
    given(account).when(RegisterAccount(ID, "sponsor")).then(sponsor)
    given(account).when(RegisterAccount(ID, "influencer")).then(influencer)


@pytest.mark.parametrize("role", ["admin", "owner", ""])
def test_nobody_registers_in_another_role(role: str) -> None:
    given(account).when(RegisterAccount(ID, role)).refused(RoleNotForRegistration)


def test_an_admin_comes_from_bootstrap() -> None:
    given(account).when(BootstrapAdmin(ID)).then(admin)


def test_an_account_is_made_once() -> None:
    for command in (RegisterAccount(ID, "sponsor"), RegisterAccount(ID, "admin"), BootstrapAdmin(ID)):
        given(account, influencer).when(command).refused(AccountExists)
        given(account, influencer, erased).when(command).refused(AccountExists)


def test_a_waiting_sponsor_is_approved_or_rejected_for_a_known_reason() -> None:
    given(account, sponsor).when(ApproveAccount(ID)).then(approved)
    for reason in REJECTION_REASONS:
        given(account, sponsor).when(RejectAccount(ID, reason)).then(AccountRejected(ID, "sponsor", reason))
    given(account, sponsor).when(RejectAccount(ID, "dislike")).refused(ReasonUnknown)


@pytest.mark.parametrize("command", [ApproveAccount(ID), RejectAccount(ID, "fraud")])
def test_only_who_waits_is_approved_or_rejected(command: account.Command) -> None:
    given(account, sponsor, approved).when(command).refused(NotPendingApproval)
    given(account, sponsor, rejected).when(command).refused(NotPendingApproval)
    given(account, influencer).when(command).refused(NotPendingApproval)
    given(account).when(command).refused(AccountUnknown)
    given(account, influencer, erased).when(command).refused(AccountUnknown)


def test_moderation_restricts_in_any_state_and_its_repeats_change_nothing() -> None:
    given(account, influencer).when(RestrictAccount(ID, "spam")).then(restricted)
    given(account, sponsor).when(RestrictAccount(ID, "spam")).then(
        AccountRestricted(ID, "sponsor", "pending_approval", "spam")
    )
    given(account, influencer, restricted).when(RestrictAccount(ID, "fraud")).then()
    given(account, influencer, restricted).when(LiftRestriction(ID)).then(lifted)
    given(account, influencer).when(LiftRestriction(ID)).then()
    for command in (RestrictAccount(ID, "spam"), LiftRestriction(ID)):
        given(account).when(command).then()
        given(account, influencer, restricted, erased).when(command).then()


def test_a_lifted_restriction_leaves_the_account_as_it_was() -> None:
    assert state(influencer, restricted, lifted) == state(influencer)
    assert state(sponsor, AccountRestricted(ID, "sponsor", "pending_approval", "spam"), approved) == Account(
        ID, "sponsor", "active", "spam"
    )


def test_a_person_is_erased_once_in_any_state() -> None:
    given(account, influencer).when(ErasePerson(ID)).then(erased)
    given(account, influencer, restricted).when(ErasePerson(ID)).then(PersonErased(ID, "influencer", "active", True))
    given(account, sponsor).when(ErasePerson(ID)).then(PersonErased(ID, "sponsor", "pending_approval", False))
    given(account, sponsor, rejected).when(ErasePerson(ID)).then(PersonErased(ID, "sponsor", "rejected", False))
    given(account, influencer, erased).when(ErasePerson(ID)).refused(AlreadyErased)
    given(account).when(ErasePerson(ID)).refused(AccountUnknown)


def test_the_admin_is_not_erased() -> None:
    given(account, admin).when(ErasePerson(ID)).refused(AdminsStay)


@pytest.mark.parametrize("history", [[influencer], [sponsor], [sponsor, approved], [influencer, restricted, lifted]])
def test_who_is_in_or_waiting_can_act(history: list[account.Event]) -> None:
    assert account.must_be_able_to_act(state(*history)) == state(*history)


@pytest.mark.parametrize(
    ("history", "refusal"),
    [
        ([influencer, restricted], AccountRestrictedNow),
        ([sponsor, rejected], AccountTurnedAway),
        ([influencer, erased], AccountUnknown),
        ([], AccountUnknown),
    ],
)
def test_nobody_else_can_act(history: list[account.Event], refusal: type[Rejected]) -> None:
    with pytest.raises(refusal):
        account.must_be_able_to_act(state(*history))


def test_evolve_is_total() -> None:
    for event in (approved, rejected, restricted, lifted, erased):
        assert account.evolve(Empty(), event) == Empty()
        assert account.evolve(Erased(ID), event) == Erased(ID)


def state(*events: account.Event) -> account.State:
    folded: account.State = account.INITIAL
    for event in events:
        folded = account.evolve(folded, event)
    return folded
