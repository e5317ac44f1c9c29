"""Ground truth: what an impression does, and what it is worth."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AliasChoices, Field, model_validator

from .base import Coefficient, Hours, Model, Money, PositiveMoney, Rate, Ratio
from .delay import NO_DELAY, Delay

Correlation = Annotated[float, Field(ge=-1, le=1)]


class Logit(Model):
    """A level a + b s + c t + e w + d s t + f s w + g t w of the scores s(x), t(z), w(h), on the scale of log-odds.

    ``interaction`` is d, ``history`` e, ``profile_history`` f and ``context_history`` g.

    """

    a: Coefficient = 0.0
    """The level where all scores are 0."""
    b: Coefficient = 0.0
    """The weight of the profile's score."""
    c: Coefficient = 0.0
    """The weight of the context's score."""
    interaction: Coefficient = Field(default=0.0, validation_alias=AliasChoices("interaction", "d"))
    """The weight of profile x context."""
    history: Coefficient = 0.0
    """The weight of the history's score."""
    profile_history: Coefficient = 0.0
    """The weight of profile x history."""
    context_history: Coefficient = 0.0
    """The weight of context x history."""


class Conversion(Logit):
    """What follows a click, or the mere sight of an ad.

    A click converts with probability expit(level). A conversion counts as the ad's where it comes within its window.

    """

    a: Coefficient = -3.0
    """The level where all scores are 0, in log-odds."""
    value: PositiveMoney | tuple[PositiveMoney, ...] = 1.0
    """The margin of a conversion, in currency: one number, or one per profile type, so that a sale to one earns more than to
    another."""
    delay_h: Delay = NO_DELAY
    """How long it takes from the click, or the sight."""
    after_view: Rate = 0.0
    """A seen impression that was not clicked converts with this times the probability of a click."""
    click_window_h: Hours = 720.0
    """How long after a click a conversion counts as the ad's."""
    view_window_h: Hours = 24.0
    """How long after a mere sight it does."""

    @property
    def most(self) -> float:
        """The largest margin of a sale, in currency."""
        return max(self.value) if isinstance(self.value, tuple) else self.value


class Creative(Logit):
    """One of the ads that a campaign rotates at random: what it adds to the response's coefficients, and to the conversion's."""

    share: Ratio = 1.0
    """How often it is shown, in proportion to the shares of the others."""
    conversion: Logit = Logit()
    """What it adds to the conversion's coefficients."""


class Response(Logit):
    """Ground truth: what an impression shown to profile x with history h in context z is worth to the advertiser.

    With standardised scores s(x), t(z), w(h) (mean 0, variance 1; two types score -1 and +1, a single one 0) and the
    level a + b s + c t + e w + d s t + f s w + g t w:

    * ``additive``: theta = level, currency per impression;
    * ``logit``: CTR = expit(level), theta = CTR x ``value_per_click``;
    * ``private_value``: each bidder knows its own value, drawn from ``law``; there is nothing to join.

    """

    family: Literal["additive", "logit", "private_value"] = "additive"
    """What an outcome is: an amount (`additive`), a click or a sale (`logit`), or a value that each bidder knows (`private_value`)."""
    a: Coefficient = 1.0
    """The level where all scores are 0."""
    redundancy: Correlation = Field(default=0.0, validation_alias=AliasChoices("redundancy", "q"))
    """The correlation of the profile's and the context's score: with probability |q| the two departments hold the same fact, or
    its opposite where it is negative."""
    history_redundancy: Correlation = 0.0
    """The correlation of the profile's and the history's score."""
    value_per_click: Money = 1.0
    """What a click is worth to the advertiser, in currency."""
    noise_sd: Money = 1.0
    """The spread of one realised additive value round its mean, in currency."""
    viewability: Rate | tuple[Rate, ...] = 1.0
    """The probability that an impression is seen: one number, or one per context type. Unseen ones do nothing."""
    fatigue: Annotated[Rate, Field(lt=1)] = 0.0
    """An impression that a person sees after k of the same advertiser does (1 - fatigue)^k of what the first did."""
    click_delay_h: Delay = NO_DELAY
    """How long after the impression a click comes."""
    conversion: Conversion | None = None
    """What may follow a click or a sight; null: nothing."""
    law: Literal["uniform", "exponential"] = "uniform"
    """With private_value: how values are drawn, `uniform` on [0, high] or `exponential` with the mean high."""
    high: PositiveMoney = 1.0
    """private_value: values are U[0, high], or exponential with mean high."""

    @model_validator(mode="after")
    def _outcomes_fit_the_family(self) -> Self:
        if self.family != "logit" and (self.conversion is not None or not self.click_delay_h.is_none):
            raise ValueError(
                f"family={self.family} has no clicks: conversion and click_delay_h need family=logit"
            )
        if self.family == "private_value" and self.viewability != 1.0:
            raise ValueError("viewability: with family=private_value every impression is seen; leave it 1")
        return self

    @property
    def most_worth(self) -> float:
        """What an impression is worth that is clicked and converts, in currency (family ``logit``)."""
        return self.value_per_click + (self.conversion.most if self.conversion else 0.0)

    @property
    def learns_clicks(self) -> bool:
        """An impression's outcome is a click or none; otherwise it is an amount of currency."""
        return self.family == "logit" and self.conversion is None
