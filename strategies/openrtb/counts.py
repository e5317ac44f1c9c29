"""What a seat counts: each request ends in exactly one of ``OUTCOMES``, each notice in one of ``NOTICES``."""

from __future__ import annotations

from collections import Counter

PREFIX = "openrtb_"
"""Columns of ``bidders.csv`` begin so."""

OUTCOMES = {
    "bids": "a bid that takes part in the auction",
    "no_bid": "204, an empty answer, or one without a bid",
    "late": "an answer after tmax, where latency is measured (loss reason 2)",
    "wrong_id": "the answer is to another request (loss reason 5)",
    "wrong_imp": "the bid is on another impression (loss reason 3)",
    "wrong_currency": "the bid is in another currency (loss reason 3)",
    "bad_price": "a price that is 0, negative, or above max_cpm (loss reason 9)",
    "below_floor": "a price below the floor (loss reason 100)",
    "malformed": "no HTTP answer, no JSON, or no OpenRTB",
    "too_large": "an answer of more than max_bytes",
    "http_4xx": "a client error",
    "http_5xx": "a server error",
    "http_other": "another status; redirects are not followed",
    "timeout": "no whole answer within timeout_ms",
    "dropped": "the connection ended before the answer did",
    "refused": "no connection",
    "skipped": "not sent, as the bidder has not answered for long",
}
"""What became of each request that was asked about."""
NOTICES = {
    "nurl": "win notices sent",
    "burl": "billing notices sent",
    "lurl": "loss notices sent",
    "notices_failed": "notices that were sent and not taken: an error status, a timeout, a dropped connection",
    "notices_withheld": "notices not sent: to a host that is not allowed, or no URL",
}
OTHERS = {
    "requests": "requests that were asked about",
    "surplus_bids": "further bids on the same impression; the highest takes part (loss reason 102)",
    "unknown_crid": "bids with a creative that the scenario does not have",
    "asked_again": "requests or cells that were asked a second time",
    "answered_differently": "of those, the ones with another answer",
    "unsent": "answered, and then kept from the auction by the exchange (loss reason 104)",
}
KNOWN = (*OTHERS, *OUTCOMES, *NOTICES)
UNANSWERED = frozenset({"timeout", "dropped", "refused", "skipped"})
"""Outcomes without an answer."""


class Counts(Counter[str]):
    """The counts of one run."""

    def columns(self) -> dict[str, int]:
        """Return the counts by column; reasons that the bidder gave for no bid (``nbr``) have columns of their own."""
        further = sorted(name for name in self if name not in KNOWN)
        return {f"{PREFIX}{name}": self[name] for name in (*KNOWN, *further)}
