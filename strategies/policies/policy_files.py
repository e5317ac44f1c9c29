"""Files of trained policies, ``.npz`` or ``.onnx``: written, labelled and read.

An ``.npz`` states its ``Interface`` as JSON in the array ``about``, an ONNX model in its metadata under the key ``jointbid``.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .networks import FORMAT, KEY, MLP, Network, OnnxModel, interface_of
from .steered import Interface

SUFFIXES = (".npz", ".onnx")


def save_policy(
    path: str | os.PathLike[str],
    weights: Sequence[ArrayLike],
    biases: Sequence[ArrayLike],
    interface: Interface,
    **form: Any,
) -> Path:
    """Write a network for the strategy ``trained``; return the file's path.

    Args:
        path: where to, ``.npz``.
        weights: the layers' weights, shapes (inputs, outputs); torch has them the other way round, so ``layer.weight.T``.
        biases: the layers' biases, shapes (outputs,).
        interface: what the network sees and what its actions mean: ``env.unwrapped.interface``.
        form: ``activation``, ``output``, ``shift`` and ``scale`` of ``MLP``.

    Raises:
        ValueError: shapes that do not fit, or another suffix.
    """
    file = Path(path)
    if file.suffix != ".npz":
        raise ValueError(
            f"path = {path}: must end in .npz; export other networks to ONNX and label the file: label_policy"
        )
    network = MLP(weights, biases, interface, **form)
    about = {
        "format": FORMAT,
        **interface.as_dict(),
        "activation": network.activation,
        "output": network.output,
    }
    arrays: dict[str, NDArray[Any]] = {
        "about": np.array(json.dumps(about)),
        "shift": network.shift,
        "scale": network.scale,
    }
    for layer, (weight, bias) in enumerate(zip(network.weights, network.biases, strict=True)):
        arrays |= {f"weight_{layer}": weight, f"bias_{layer}": bias}
    with file.open("wb") as out:
        np.savez(out, allow_pickle=False, **arrays)
    return file


def label_policy(path: str | os.PathLike[str], interface: Interface) -> Path:
    """Write into an ONNX file what its network sees and what its actions mean; return its path.

    Raises:
        ImportError: the package ``onnx`` is not installed.
    """
    import onnx

    model = onnx.load(str(path))
    onnx.helper.set_model_props(model, {KEY: json.dumps({"format": FORMAT, **interface.as_dict()})})
    onnx.save(model, str(path))
    return Path(path)


def load_policy(path: str | os.PathLike[str], **given: Any) -> Network:
    """Return the network in a file; ``given`` are fields of the interface that an ONNX file does not state.

    Raises:
        ValueError: the message names the file, what is wrong with it, and what is allowed.
    """
    file = Path(path).expanduser()
    if file.suffix not in SUFFIXES:
        raise ValueError(
            f"path = {path}: must end in {' or '.join(SUFFIXES)}; jointbid.save_policy writes the first"
        )
    try:
        content = file.read_bytes()
    except OSError as error:
        raise ValueError(
            f"path = {path}: cannot be read ({error.strerror}); relative paths start in the folder of the command"
        ) from None
    if file.suffix == ".npz":
        return _read_npz(file, given)
    try:
        return OnnxModel(content, f"path = {path}", given)
    except ValueError:
        raise
    except Exception as error:
        raise ValueError(
            f"path = {path}: is no ONNX model that onnxruntime can read ({error!s:.200})"
        ) from error


def _read_npz(file: Path, given: Mapping[str, Any]) -> MLP:
    place = f"path = {file}"
    try:
        with np.load(file, allow_pickle=False) as arrays:
            found = dict(arrays)
        about = json.loads(str(found["about"]))
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise ValueError(f"{place}: is no policy that jointbid.save_policy wrote ({error!s:.100})") from None
    interface = interface_of(place, about, given)
    layers = sum(name.startswith("weight_") for name in found)
    try:
        return MLP(
            [found[f"weight_{layer}"] for layer in range(layers)],
            [found[f"bias_{layer}"] for layer in range(layers)],
            interface,
            activation=about["activation"],
            output=about["output"],
            shift=found["shift"],
            scale=found["scale"],
        )
    except KeyError as missing:
        raise ValueError(f"{place}: lacks {missing}; write it anew with jointbid.save_policy") from None
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from None
