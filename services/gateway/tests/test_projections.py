"""Every read model: what the market's messages make of it, the same in every interleaving of their keys."""

from collections import Counter
from typing import Any

import hypothesis
import msgspec
import pytest

from services.gateway import consumers
from services.gateway.projections import (
    accounts,
    ad_requests,
    admin_dashboard,
    applications,
    campaign_listing,
    deals,
    influencer_dashboard,
    influencer_directory,
    sponsor_dashboard,
)
from services.gateway.tests import market
from shared.contracts.catalogue import TYPES
from shared.testing.scenario import projected, shuffled

ALL = consumers.PROJECTIONS
MESSAGES = market.timed(market.MESSAGES)
IN_ORDER = [message for messages in MESSAGES.values() for message in messages]


def rows_of(projection: Any, messages: list[Any] = IN_ORDER) -> dict[str, Any]:
    """Fold those messages that the projection listens to."""
    return projected(projection, [pair for pair in messages if type(pair[0]) in projection.LISTENS])


def dump(rows: dict[str, Any]) -> bytes:
    return msgspec.json.encode(rows, order="deterministic")


@pytest.mark.parametrize("projection", ALL, ids=lambda projection: projection.NAME)
def test_every_interleaving_of_keys_gives_the_same_rows(projection: Any) -> None:
    expected = dump(rows_of(projection))

    @hypothesis.settings(max_examples=60, deadline=None, derandomize=True)
    @hypothesis.given(shuffled(MESSAGES))
    def check(messages: list[Any]) -> None:
        assert dump(rows_of(projection, messages)) == expected

    check()


@pytest.mark.parametrize("projection", ALL, ids=lambda projection: projection.NAME)
def test_rows_survive_being_stored(projection: Any) -> None:
    for row in (projection.Row(), *rows_of(projection).values()):
        assert msgspec.json.decode(msgspec.json.encode(row), type=projection.Row) == row


@pytest.mark.parametrize("projection", ALL, ids=lambda projection: projection.NAME)
def test_evolve_takes_every_message_first(projection: Any) -> None:
    for message, at in IN_ORDER:
        if type(message) in projection.LISTENS:
            for key in projection.keys(message):
                assert type(projection.evolve(projection.Row(), key, message, at)) is projection.Row


def test_the_market_has_most_messages_and_no_projection_listens_to_strangers() -> None:
    listened = {kind for projection in ALL for kind in projection.LISTENS}
    assert listened <= set(TYPES)
    assert len({type(message) for message, _ in IN_ORDER}) >= 35


def test_a_campaign_carries_its_terms_for_all_and_its_figures_for_its_owner() -> None:
    row = rows_of(campaign_listing)[market.CAMPAIGN]
    assert (row.state, row.visibility, row.moderation_status, row.budget_minor) == (
        "active",
        "public",
        "clear",
        500_000,
    )
    assert (row.own.committed_minor, row.own.spent_minor) == (300_000, 100_000)
    assert (row.own.applications.accepted, row.own.applications.rejected) == (1, 1)
    assert (row.own.deals.completed, row.own.deals.short, row.own.ad_requests.declined) == (1, 1, 1)


def test_a_suspended_campaign_keeps_its_state_below() -> None:
    row = rows_of(campaign_listing)[market.FLAGGED]
    assert (row.state, row.moderation_status, row.own.suspended_for) == ("active", "suspended", "fraud")


def test_an_ad_request_keeps_every_version_of_the_terms() -> None:
    rows = rows_of(ad_requests)
    row = rows[market.AD_REQUEST]
    assert (row.state, row.turn, row.deal_id, row.amount_minor) == ("accepted", None, market.DEAL, 100_000)
    assert [(o.version, o.by_side, o.amount_minor) for o in row.offers] == [
        (1, "sponsor", 80_000),
        (2, "influencer", 100_000),
    ]
    assert rows[market.DECLINED].state == "declined"


def test_applications_follow_what_became_of_them() -> None:
    rows = rows_of(applications)
    assert (rows[market.APPLICATION].state, rows[market.APPLICATION].price_minor) == ("accepted", 90_000)
    assert (rows[market.SECOND_APPLICATION].state, rows[market.SECOND_APPLICATION].price_minor) == ("rejected", None)


def test_a_deal_shows_terms_work_money_and_ratings() -> None:
    row = rows_of(deals)[market.DEAL]
    assert (row.state, row.short, row.terms.amount_minor, row.terms.accepted_by) == (
        "completed",
        False,
        100_000,
        "sponsor",
    )
    assert (row.work.submissions, row.work.post_url, row.work.changes) == (2, "https://example.org/2", 1)
    assert (row.escrow.state, row.escrow.fee_minor, row.escrow.net_minor) == ("released", 10_000, 90_000)
    assert (row.ratings.state, row.ratings.stars_by_sponsor, row.ratings.stars_by_influencer) == ("published", 5, 4)


def test_a_deal_without_enough_money_stays_in_funding_and_says_so() -> None:
    row = rows_of(deals)[market.SHORT_DEAL]
    assert (row.state, row.short, row.escrow.state, row.escrow.missing_minor) == ("funding", True, "waiting", 250_000)


def test_the_directory_knows_reach_and_reputation_and_forgets_the_erased() -> None:
    rows = rows_of(influencer_directory)
    assert set(rows) == {market.INFLUENCER, market.ERASED}
    row = rows[market.INFLUENCER]
    assert (row.niche, row.followers, row.completed_deals) == ("food", 15_000, 1)
    assert (row.ratings.count, row.ratings.average) == (1, 5.0)
    gone = rows[market.ERASED]
    assert (gone.state, gone.niche, gone.platforms) == ("erased", "", ())


def test_accounts_tell_who_waits_and_who_is_flagged() -> None:
    rows = rows_of(accounts)
    assert {key: row.state for key, row in rows.items()} == {
        market.ADMIN: "active",
        market.SPONSOR: "active",
        market.WAITING: "pending_approval",
        market.INFLUENCER: "active",
        market.ERASED: "erased",
    }
    assert (rows[market.WAITING].restricted, rows[market.WAITING].flagged_for) == (True, "spam")


def test_the_sponsor_sees_where_the_money_is() -> None:
    rows = rows_of(sponsor_dashboard)
    assert set(rows) == {market.SPONSOR, market.WAITING}
    row = rows[market.SPONSOR]
    assert row.account.state == "active"
    assert row.money["EUR"] == sponsor_dashboard.Money(
        topped_up_minor=150_000,
        wallet_minor=50_000,
        escrow_minor=0,
        released_minor=100_000,
        budget_minor=1_500_000,
        committed_minor=300_000,
        spent_minor=100_000,
    )
    assert list(row.money) == ["EUR", "JPY"]
    assert (row.campaigns.active, row.campaigns.completed, row.campaigns.suspended) == (2, 1, 1)
    assert (row.ratings.count, row.ratings.average) == (1, 4.0)


def test_the_influencer_sees_the_earnings() -> None:
    row = rows_of(influencer_dashboard)[market.INFLUENCER]
    assert row.earnings["EUR"] == influencer_dashboard.Earnings(
        pending_minor=0,
        available_minor=25_000,
        reserved_minor=5_000,
        paid_out_minor=60_000,
        earned_minor=90_000,
        fees_minor=10_000,
    )
    assert (row.ad_requests.accepted, row.ad_requests.declined, row.ad_requests.awaiting_influencer) == (2, 1, 0)
    assert (row.deals.completed, row.deals.funding, row.deals.short) == (1, 1, 1)


def test_the_open_ad_requests_are_counted_by_whose_turn_it_is() -> None:
    begun = {key: messages[:2] for key, messages in MESSAGES.items() if key == f"adrequests {market.AD_REQUEST}"}
    messages = [message for messages in begun.values() for message in messages]
    row = rows_of(sponsor_dashboard, messages)[market.SPONSOR]
    assert (row.ad_requests.countered, row.ad_requests.awaiting_sponsor, row.ad_requests.awaiting_influencer) == (
        1,
        1,
        0,
    )


def test_the_platform_has_every_minor_unit_in_one_place() -> None:
    [row] = rows_of(admin_dashboard).values()
    for money in row.money.values():
        assert money.topped_up_minor == (
            money.wallets_minor
            + money.escrow_minor
            + money.available_minor
            + money.reserved_minor
            + money.paid_out_minor
            + money.fees_minor
        )
    assert row.money["EUR"].fees_minor == 10_000
    assert (row.users.influencer.active, row.users.influencer.erased, row.users.influencer.restricted) == (1, 1, 0)
    assert (row.users.sponsor.pending_approval, row.users.sponsor.restricted) == (1, 1)
    assert (row.flagged.campaigns, row.flagged.accounts) == (1, 1)
    assert (row.visibility.public, row.visibility.private) == (2, 1)
    assert (row.ratings.count, row.ratings.average) == (2, 4.5)


def test_the_platforms_counts_equal_a_recount_of_the_lists() -> None:
    [row] = rows_of(admin_dashboard).values()
    for counts, projection in (
        (row.campaigns, campaign_listing),
        (row.applications, applications),
        (row.ad_requests, ad_requests),
        (row.deals, deals),
    ):
        recount = Counter(listed.state for listed in rows_of(projection).values())
        assert {name: getattr(counts, name) for name in recount} == dict(recount)
        overlays = {"suspended", "short", "awaiting_sponsor", "awaiting_influencer"}
        assert sum(getattr(counts, n) for n in counts.__slots__ if n not in overlays) == sum(recount.values())
    by_role_and_state = Counter((account.role, account.state) for account in rows_of(accounts).values())
    assert {
        (role, state): getattr(getattr(row.users, role), state) for role, state in by_role_and_state
    } == by_role_and_state
