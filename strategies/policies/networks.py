"""Networks of trained policies: a small one evaluated by numpy, and an ONNX model evaluated by onnxruntime.

Both carry an ``Interface``: what they see and what their actions mean.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike

from ..parameters import one_of
from .observations import Vector
from .steered import Interface

FORMAT = "jointbid-policy-1"
KEY = "jointbid"
Function = Callable[[Vector], Vector]
ACTIVATIONS: dict[str, Function] = {
    "tanh": np.tanh,
    "relu": lambda x: np.maximum(x, 0.0),
    "linear": lambda x: x,
}
OUTPUTS: dict[str, Function] = {"clip": lambda x: np.clip(x, -1.0, 1.0), "tanh": np.tanh}


class Network(Protocol):
    """A function from an observation to an action. ``interface`` says what both mean."""

    interface: Interface

    def __call__(self, observation: Vector) -> Vector:
        """Return the action, shape (interface.size,), within [-1, 1]."""


class MLP:
    """Layers x -> activation(x W + b), the last one without activation; the end is clipped to [-1, 1], or its tanh.

    Args:
        weights: W of each layer, shapes (n, m); the first n is the observation's, the last m the action's.
        biases: b of each layer, shapes (m,).
        interface: what it sees and what its actions mean.
        activation: ``tanh``, ``relu`` or ``linear``.
        output: ``clip`` or ``tanh``.
        shift: subtracted from the observation, shape (n,) or a number.
        scale: by which the rest is divided, shape (n,) or a number; above 0.

    Raises:
        ValueError: shapes that do not fit each other or the interface, or a number that is not finite.
    """

    def __init__(
        self,
        weights: Sequence[ArrayLike],
        biases: Sequence[ArrayLike],
        interface: Interface,
        *,
        activation: str = "tanh",
        output: str = "clip",
        shift: ArrayLike = 0.0,
        scale: ArrayLike = 1.0,
    ) -> None:
        self.interface = interface
        self.activation = one_of("activation", activation, tuple(ACTIVATIONS))
        self.output = one_of("output", output, tuple(OUTPUTS))
        n = len(interface.names)
        self.shift, self.scale = (_vector(name, x, n) for name, x in (("shift", shift), ("scale", scale)))
        if (self.scale <= 0).any():
            raise ValueError(f"scale = {self.scale.tolist()}: must be above 0")
        if not weights or len(weights) != len(biases):
            raise ValueError(
                f"{len(weights)} weights and {len(biases)} biases: a network has as many of each, at least one"
            )
        self.weights, self.biases = [], []
        for layer, (w, b) in enumerate(zip(weights, biases, strict=True)):
            weight, last = _numbers(f"weight_{layer}", w), layer == len(weights) - 1
            columns = interface.size if last else "any number"
            if weight.ndim != 2 or weight.shape[0] != n or (last and weight.shape[1] != interface.size):
                before = f"layer {layer - 1}" if layer else f"the observation {interface.observation!r}"
                after = f", and the action {interface.action!r} has {interface.size}" if last else ""
                raise ValueError(
                    f"weight_{layer}: has shape {weight.shape}; allowed: ({n}, {columns}): {before} has {n} numbers{after}"
                )
            n = weight.shape[1]
            self.weights.append(weight)
            self.biases.append(_vector(f"bias_{layer}", b, n))

    def __call__(self, observation: Vector) -> Vector:
        """Return the action."""
        x = (observation - self.shift) / self.scale
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            x = x @ weight + bias
            if layer < len(self.weights) - 1:
                x = ACTIVATIONS[self.activation](x)
        return OUTPUTS[self.output](x)


class OnnxModel:
    """An ONNX model with one input of shape (1 or any, numbers of the observation) and an output with the action's parts.

    The session is opened when it is first used, so that copies and other processes open their own.
    """

    def __init__(self, content: bytes, name: str, given: Mapping[str, Any]) -> None:
        self._content, self._session = content, None
        about = self._open().get_modelmeta().custom_metadata_map.get(KEY)
        self.interface = interface_of(name, json.loads(about) if about else {}, given)
        inputs, outputs = self._open().get_inputs(), self._open().get_outputs()
        self._input = inputs[0].name
        self._kind = np.float64 if inputs[0].type == "tensor(double)" else np.float32
        size = len(self.interface.names)
        try:
            answer = self._answer(np.zeros(size))
        except Exception as error:
            raise ValueError(
                f"{name}: its inputs are {[(one.name, one.shape) for one in inputs]}; allowed: one of shape (1, {size}), as the "
                f"observation {self.interface.observation!r} has {size} numbers"
            ) from error
        if answer.shape != (self.interface.size,):
            raise ValueError(
                f"{name}: its output {outputs[0].name!r} has {answer.size} numbers; allowed: {self.interface.size}, as the action "
                f"{self.interface.action!r} has"
            )

    def __call__(self, observation: Vector) -> Vector:
        """Return the action; parts beyond [-1, 1] are moved to its ends."""
        return np.clip(self._answer(observation), -1.0, 1.0)

    def _answer(self, observation: Vector) -> Vector:
        row = observation.astype(self._kind)[None]
        return np.asarray(self._open().run(None, {self._input: row})[0], dtype=np.float64).reshape(-1)

    def _open(self) -> Any:
        if self._session is None:
            runtime = _onnxruntime()
            options = runtime.SessionOptions()
            options.intra_op_num_threads = options.inter_op_num_threads = 1
            options.log_severity_level = 3
            self._session = runtime.InferenceSession(
                self._content, options, providers=["CPUExecutionProvider"]
            )
        return self._session

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_session": None}


def interface_of(place: str, about: Mapping[str, Any], given: Mapping[str, Any]) -> Interface:
    """Return the interface that a file states, ``about``, with what it leaves open from ``given``.

    Raises:
        ValueError: another format, no interface, or one that contradicts what is given.
    """
    if about and about.get("format") != FORMAT:
        raise ValueError(
            f"{place}: has the format {about.get('format')!r}; allowed: {FORMAT!r}, which jointbid.save_policy writes"
        )
    if not about and not given:
        raise ValueError(
            f"{place}: does not say what it sees and does; label it: jointbid.label_policy(path, env.unwrapped.interface), or set "
            "observation, and where they differ from the defaults action, low, high, size"
        )
    own = {name: about[name] for name in Interface().as_dict() if name in about}
    for name, value in given.items():
        if own.get(name, value) != value:
            raise ValueError(
                f"{name} = {value}: the file says {own[name]!r}, and was trained with that; leave it out"
            )
    try:
        return Interface(**{**own, **given})
    except (TypeError, ValueError) as error:
        raise ValueError(f"{place}: {error}") from None


def _numbers(name: str, values: ArrayLike) -> Vector:
    try:
        found = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"{name}: must be an array of numbers") from None
    if not np.isfinite(found).all():
        raise ValueError(f"{name}: has numbers that are not finite")
    return found


def _vector(name: str, values: ArrayLike, n: int) -> Vector:
    found = _numbers(name, values)
    if found.shape not in {(), (n,)}:
        raise ValueError(f"{name}: has shape {found.shape}; allowed: ({n},)")
    return np.broadcast_to(found, (n,)).copy()


def _onnxruntime() -> Any:
    try:
        import onnxruntime
    except ImportError:
        raise ValueError("path: an ONNX model needs onnxruntime: pip install 'jointbid[onnx]'") from None
    return onnxruntime
