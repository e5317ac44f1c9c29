"""What a survey of a log means, in sentences: what it is, what to beware of, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator

from ..log_table import Reader
from ..read_log import MOST_NAMES
from .leaks import Suspect
from .survey import Survey

SAMPLED_CTR = 0.02
"""Display ads are clicked less often: a log with more has lost non-clicks, or counts something else."""
FEW_CLICKS = 500


def warnings(survey: Survey, reader: Reader, suspects: list[Suspect]) -> Iterator[str]:
    """Yield a line for each fact that limits what results on this log mean."""
    yield from _sides(survey, reader)
    yield from _leaks(survey, suspects)
    yield from _selection(survey)
    yield from _sample(survey)
    yield from _sources(survey)
    if survey.doubles:
        yield f"doubles: {survey.doubles:,} rows repeat another one in every column; they are kept"
    if not survey.in_order:
        yield "order: the rows are not in order of time; a replay puts them in order"
    if "user" in survey.columns:
        many = f"{MOST_NAMES:,} or more" if len(survey.people) >= MOST_NAMES else f"{len(survey.people):,}"
        yield f"people: the log has {many}: split by person with study.replay.split=person"


def _sides(survey: Survey, reader: Reader) -> Iterator[str]:
    if not reader.has_prices:
        yield (
            "no prices: jointbid value puts a landscape in their place, or a range of them (study.replay.landscapes), and answers with a "
            "band in units of a click's value; jointbid run, log table and log calibrate need prices"
        )
        return
    if reader.full_information:
        yield (
            f"full information: every row has its price, won or not; outcomes are known of {survey.known:,} of "
            f"{survey.rows:,} rows, those that were shown"
        )
        return
    if has_lost_rows(survey, reader):
        yield (
            f"losing rows: {survey.above_bid:,} of {survey.rows:,} rows cost more than was bid, so rows that were lost are here "
            "too, and their outcome was not seen. Say full_information: true in the mapping; and known: COLUMN (1 where the "
            "outcome was seen), or else rows whose price is at or above the bid count as lost"
        )
        return
    top = f" (the highest bid is {max(survey.bids) / 1e3:,.3f} CPM)" if survey.bids else ""
    yield (
        f"one-sided: only impressions that the logger won are here, so prices above its own bid are censored{top}. A replay "
        "cannot tell what a higher bid would have won; study.replay.landscape=kaplan_meier fits a landscape where bids vary"
    )
    if survey.above_bid:
        yield f"prices: {survey.above_bid:,} rows cost more than was bid; the price is believed"
    if survey.bid_rows and len(survey.bids) < 10:
        shown = ", ".join(f"{bid / 1e3:,.3f}" for bid, _ in survey.bids.most_common(3))
        yield f"bids: {len(survey.bids)} constant levels ({shown} CPM): what was won does not depend on the person or the page"


def has_lost_rows(survey: Survey, reader: Reader) -> bool:
    """Return whether a mapped log that is said to hold won rows alone holds lost ones: their prices are above the bid."""
    return reader.mapped and not reader.full_information and survey.above_bid > 0


def _leaks(survey: Survey, suspects: list[Suspect]) -> Iterator[str]:
    if not survey.clicks:
        yield "no clicks: there is nothing to learn from; only prices can be studied"
    for suspect in suspects[:10]:
        yield f"suspected leak: {suspect}. Leakage or retargeting: results are shown with it and without"
    if not suspects and survey.clicks:
        yield "leaks: no value stands almost only on clicks or almost never on one, and no column is missing on one label alone"


def _selection(survey: Survey) -> Iterator[str]:
    for what, groups in (("episode", survey.episodes), ("person", survey.people)):
        several = {name: counts for name, counts in groups.items() if counts[0] > 1}
        if len(several) > 1 and survey.clicks:
            share = sum(counts[1] > 0 for counts in several.values()) / len(several)
            if share == 1:
                yield (
                    f"selection: every {what} ({len(several):,}) holds a click: they were chosen for it, and no click rate "
                    "or profit can be carried over to others"
                )
            elif what == "episode":
                yield f"selection: {share:.0%} of {len(several):,} episodes hold a click"


def _sample(survey: Survey) -> Iterator[str]:
    if survey.weight == survey.rows and survey.ctr > SAMPLED_CTR:
        yield (
            f"sampling: {survey.ctr:.2%} of the rows are clicks, far more than display has: non-clicks seem to be sampled. Say "
            "how many impressions one stands for (supply.nonclick_weight); until then profits are not in the log's money"
        )
    if 0 < survey.clicks < FEW_CLICKS:
        yield f"few clicks: {survey.clicks:,}; what is learned from so few is uncertain, and intervals are wide"


def _sources(survey: Survey) -> Iterator[str]:
    sources = survey.roles.sources
    if len(sources) < 2:
        there = sources[0] if sources else "no"
        also = (
            "its own predictions (pctr) still do for the table and for strategies"
            if "pctr" in survey.columns
            else ""
        )
        yield f"columns: {there} feature columns alone: nothing to join. {also}".strip()
