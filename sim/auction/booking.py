"""A slot is sold: the charge moves from budget to ledger, and the impression does what it does."""

from __future__ import annotations

import numpy as np

from ..compiled import kernel_part, natural
from ..streams import unit
from .arrays import Bids, Effects, Ledger, Memory, Record, Requests, Responses, Rules, Scores, Seats
from .charging import charge
from .memory import remember
from .rounding import half_even
from .scoring import put_in_money

SEEN, CLICKED, CONVERTED = 0, 1, 2
"""The draws, in the order of ``Effects.keys``."""
MAX_SEEN = 255


@kernel_part
def pay(
    i: int, slot: int, n: int, winner: int, weight: float, requests: Requests, rules: Rules, scores: Scores | None,
    seats: Seats, ledger: Ledger,
) -> int:  # fmt: skip
    """Charge the winner of a slot by the request's mechanism; returns micros."""
    ranked, floor = rules.top, max(requests.floor[i], seats.floor[winner])
    if scores is not None:
        ranked, floor = scores.money, put_in_money(i, slot, n, winner, requests, rules, scores, seats)
    price = charge(requests.mechanism[i], slot, n, ranked, floor, rules.rates, rules.soft_floor)
    paid = half_even(price * weight)
    ledger.left[winner] -= paid
    ledger.spend[winner] += paid
    ledger.wins[winner, slot] += 1
    if rules.fee > 0.0:
        ledger.fees[0] += half_even(rules.fee * paid)
    return paid


@kernel_part
def show(
    i: int, row: int, slot: int, winner: int, weight: float, requests: Requests, rules: Rules, bids: Bids,
    seats: Seats, effects: Effects, memory: Memory | None, ledger: Ledger, record: Record | None, responses: Responses,
) -> None:  # fmt: skip
    """The winner's ad is shown: score what it does by expectation, and draw what is seen, clicked and converts.

    An effect is proportional to the slot's click rate, and fades with what the person has seen. ``row`` is the record's.
    """
    place = (requests.start + i) * len(rules.rates) + slot
    strength = rules.rates[slot]
    column = effects.column[winner]
    at = effects.offset[winner] + (requests.cells[column, i] if column >= 0 else i)
    creative = 0
    if len(effects.rotation) > 1:
        creative = chosen(i, winner, requests, bids)
        if creative < 0:
            creative = 0
            turn = unit(effects.rotation_key[winner], place)
            while turn >= effects.rotation[creative]:
                creative += 1
        at += creative * effects.creative_stride
    at = natural(at)
    its = natural(at * effects.apart)
    advertiser = natural(seats.advertiser[winner + 1])
    known = memory is not None and memory.seen.shape[0] > 0
    person = natural(requests.person[i]) if known else natural(0)
    if memory is not None and known:
        strength *= effects.fading[
            min(natural(memory.seen[person, advertiser]), natural(len(effects.fading) - 1))
        ]
        if memory.limit.shape[0] > 0:
            remember(winner, person, requests.time_us[i], memory)
    ledger.value[winner] += weight * strength * effects.worth[its]
    viewed = True
    if effects.drawn:
        ledger.clicks[winner] += weight * strength * effects.click[its]
        ledger.conversions[winner] += weight * strength * effects.conversion[its]
        # whether it is seen is not to be guessed: what follows has no branch on it but where something comes of it
        viewed = unit(effects.keys[SEEN], place) < effects.seen[its]
        ledger.viewed[winner] += weight * viewed
        respond(i, slot, winner, place, strength, its, viewed, effects, responses)
    if memory is not None and known:
        seen = np.int64(memory.seen[person, advertiser])
        ledger.reach[winner] += (seen == 0) & viewed
        memory.seen[person, advertiser] = seen + ((seen < MAX_SEEN) & viewed)
        if memory.fresh.shape[0] > 0 and viewed:
            memory.fresh[person // memory.group, advertiser] += strength * effects.lasting[at]
    if record is not None and record.winner.shape[0] > 0:
        record.viewed[row, slot] = viewed
        record.creative[row, slot] = creative
        record.value[row, slot] = weight * strength * effects.worth[its]
        if effects.drawn:
            record.click[row, slot] = weight * strength * effects.click[its]
            record.conversion[row, slot] = weight * strength * effects.conversion[its]


@kernel_part
def chosen(i: int, winner: int, requests: Requests, bids: Bids) -> int:
    """The number of the creative that the winner has chosen for the request; -1 where it has not."""
    if bids.creative.shape[0] == 0:
        return -1
    column = bids.column[winner]
    return int(bids.creative[bids.offset[winner] + (requests.cells[column, i] if column >= 0 else i)])


@kernel_part
def respond(
    i: int,
    slot: int,
    winner: int,
    place: int,
    strength: float,
    its: int,
    viewed: bool,
    effects: Effects,
    responses: Responses,
) -> None:
    """Draw what follows a ``viewed`` impression, and note it where anything does.

    One uniform tells a click (from below) from a conversion without one (from above), as they exclude each other.
    """
    u = unit(effects.keys[CLICKED], place)
    clicked = u < strength * effects.seen_click[its]
    converts = u >= 1.0 - strength * effects.seen_conversion[its]
    if clicked | converts:  # seldom; asked first, as whether it is seen cannot be guessed
        if not viewed:
            return
        if clicked:
            converts = unit(effects.keys[CONVERTED], place) < effects.after_click[its]
        j = responses.filled[0]
        responses.row[j], responses.slot[j], responses.bidder[j] = i, slot, winner
        responses.clicked[j], responses.converts[j] = clicked, converts
        responses.filled[0] = j + 1
