"""Ground truth: what an impression does and is worth. No strategy ever sees this module's output."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .auction.arrays import in_lines
from .audience import law_of, scores
from .delays import cdf
from .kept import kept
from .scenario import Creative, Logit, Response, Scenario

ONE_CREATIVE = {"": Creative()}
FADING_LEVELS = 256
"""An impression's number for its person, from 0; the kernel counts no further (``auction.booking.MAX_SEEN``)."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What one impression in the best slot does to somebody who has seen none before.

    Shape (creatives, profile types, context types, history types). ``seen`` is the probability that it is seen; ``seen_click`` and
    ``seen_conversion`` what then follows (a conversion without a click); ``after_click`` a click's conversion. Over all
    these: ``click``; ``conversion``, counted within the attribution windows; ``worth`` in currency.
    """

    seen: NDArray[np.float64]
    seen_click: NDArray[np.float64]
    seen_conversion: NDArray[np.float64]
    after_click: NDArray[np.float64]
    click: NDArray[np.float64]
    conversion: NDArray[np.float64]
    worth: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Truth:
    """The world's law over (profile type, context type, history type), and what impressions do.

    ``law`` is pi(x, z, h). ``theta``, ``click`` and ``conversion`` have its shape: the expected value of an impression in
    currency and the probabilities of a click and of a conversion in time, over the rotation of creatives (zero in the
    additive family, whose outcome is a value and not a click). ``effect`` has them by creative, ``shares`` how often each is shown.
    ``margins`` is what a sale brings (``margins``). ``flat`` are the parts of ``effect`` by creative (``stride`` numbers each), then, where
    there is stock, by whether there is something left or not, then by types, ``apart`` from each other; ``rotation`` are the shares
    added up. ``has_outcomes``: something may be clicked, or not be seen.
    """

    law: NDArray[np.float64]
    theta: NDArray[np.float64]
    click: NDArray[np.float64]
    conversion: NDArray[np.float64]
    effect: Effect
    shares: NDArray[np.float64]
    margins: NDArray[np.float64]
    flat: dict[str, NDArray[Any]]
    stride: int
    rotation: NDArray[np.float64]
    apart: int
    has_outcomes: bool


@kept
def truth(scenario: Scenario) -> Truth:
    """The ground truth of a scenario with types (families ``additive`` and ``logit``)."""
    law = law_of(scenario)
    creatives = list((scenario.creative or ONE_CREATIVE).values())
    shares = np.array([creative.share for creative in creatives])
    shares = shares / shares.sum()
    effect = _effect(scenario.response, creatives, law.shape)
    theta, click, conversion = (
        np.tensordot(shares, part, axes=1) for part in (effect.worth, effect.click, effect.conversion)
    )
    effects = [effect, *([sold_out(effect, scenario.response)] if scenario.stock is not None else [])]
    flat = {
        part.name: np.stack([getattr(one, part.name) for one in effects], axis=1).ravel()
        for part in fields(Effect)
    }
    has_outcomes = bool((effect.click > 0).any() or (effect.seen < 1).any())
    apart = 1
    if has_outcomes:
        beside = in_lines(flat["worth"].size, len(flat), np.float64)
        apart = beside.shape[1]
        for place, (name, numbers) in enumerate(flat.items()):
            beside[:, place] = numbers
            flat[name] = beside.ravel()[place:]
    rotation = np.cumsum(shares)
    rotation[-1] = 1.0  # in spite of rounding
    stride = len(effects) * theta.size
    return Truth(
        law, theta, click, conversion, effect, shares, margins(scenario.response), flat, stride, rotation,
        apart, has_outcomes,
    )  # fmt: skip


def sold_out(effect: Effect, response: Response) -> Effect:
    """The same impressions while there is nothing to buy: as many are seen and clicked, and none converts."""
    nothing = np.zeros_like(effect.worth)
    return replace(
        effect,
        seen_conversion=nothing,
        after_click=nothing,
        conversion=nothing,
        worth=effect.click * response.value_per_click,
    )


def margins(response: Response) -> NDArray[np.float64]:
    """What a sale brings by profile type, in currency; shape (profile types,), or (1,) where it is the same for all."""
    sale = response.conversion
    return np.atleast_1d(np.asarray(0.0 if sale is None else sale.value, dtype=np.float64))


@kept
def fading(response: Response) -> NDArray[np.float64]:
    """What is left of an impression's effect by how many of the advertiser's the person has seen; shape (levels,)."""
    if response.fatigue == 0.0:
        return np.ones(1)
    return np.asarray((1.0 - response.fatigue) ** np.arange(FADING_LEVELS, dtype=np.float64))


@kept
def mean_response(scenario: Scenario) -> float:
    """What an ad shown at random in a slot of click rate 1 brings, to somebody who has seen none: clicks, or else worth."""
    response = scenario.response
    if response.family == "private_value":
        return response.high / 2 if response.law == "uniform" else response.high
    world = truth(scenario)
    return float((world.law * (world.click if response.family == "logit" else world.theta)).sum())


def private_values(response: Response, u: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values of the family ``private_value`` by inverse transform, currency per impression, shape as ``u``."""
    if response.law == "uniform":
        return u * response.high
    return -np.log1p(-u) * response.high


def _effect(response: Response, creatives: list[Creative], shape: tuple[int, ...]) -> Effect:
    level = np.stack([_level([response, creative], shape) for creative in creatives])
    viewability = np.reshape(np.asarray(response.viewability, dtype=np.float64), (-1, 1))
    seen = np.broadcast_to(viewability, level.shape)
    nothing = np.zeros_like(level)
    if response.family != "logit":
        return Effect(seen, nothing, nothing, nothing, nothing, nothing, seen * level)
    seen_click = _expit(level)
    click = seen * seen_click
    worth = click * response.value_per_click
    if response.conversion is None:
        return Effect(seen, seen_click, nothing, nothing, click, nothing, worth)
    model = response.conversion
    after_click = _expit(np.stack([_level([model, creative.conversion], shape) for creative in creatives]))
    seen_conversion = (1.0 - seen_click) * model.after_view * after_click
    in_time = cdf(model.delay_h, model.click_window_h), cdf(model.delay_h, model.view_window_h)
    conversion = click * after_click * in_time[0] + seen * seen_conversion * in_time[1]
    worth = worth + conversion * margins(response)[:, None, None]
    return Effect(seen, seen_click, seen_conversion, after_click, click, conversion, worth)


def _level(parts: Sequence[Logit], shape: tuple[int, ...]) -> NDArray[np.float64]:
    """The level of the parts' coefficients added up; shape (profile types, context types, history types)."""
    s, t, w = (
        np.reshape(scores(k), [-1 if axis == own else 1 for axis in range(len(shape))])
        for own, k in enumerate(shape)
    )
    names = ("a", "b", "c", "interaction", "history", "profile_history", "context_history")
    a, b, c, d, e, f, g = (sum(getattr(part, name) for part in parts) for name in names)
    return np.broadcast_to(a + b * s + c * t + d * s * t + e * w + f * s * w + g * t * w, shape)


def _expit(level: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(over="ignore"):  # exp of a very low level is infinite, and the probability 0
        return np.asarray(1.0 / (1.0 + np.exp(-level)))
