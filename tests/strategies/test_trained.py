"""Trained policies: files of numpy and of ONNX, what they refuse, and that they play as they did where they were trained."""

from __future__ import annotations

import copy
import json
import pickle

import numpy as np
import pytest

from jointbid import BidEnv, Entrant, Interface, Priced, bayes, label_policy, load, save_policy, simulate
from jointbid.experiments.cells.cell import Cell
from jointbid.sim.scenario import StrategySpec
from jointbid.strategies.market import MarketFacts
from jointbid.strategies.policies.networks import MLP
from jointbid.strategies.policies.policy_files import load_policy
from jointbid.strategies.policies.trained import Trained
from jointbid.strategies.registry import UnknownStrategyError, make

SMALL = ("supply.requests=600", "bidders.budget=0.05", "bidders.control_interval_h=2")
RNG = np.random.default_rng(1)
N = {"account": 11, "auctionnet": 16}


def layers(observation="account", hidden=4, size=1, gain=0.4):
    """Return the weights and biases of a network with random numbers."""
    n = N[observation]
    return (
        [RNG.normal(size=(n, hidden)) * gain, RNG.normal(size=(hidden, size))],
        [RNG.normal(size=hidden) * 0.1, RNG.normal(size=size) * 0.1],
    )


def onnx_file(path, observation="account", size=1, inputs=None, label=True):
    """Write tanh(x W) as an ONNX model; return W."""
    import onnx
    from onnx import TensorProto, helper

    weight = RNG.normal(size=(inputs or N[observation], size)).astype(np.float32) * 0.3
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["seen", "weight"], ["product"]),
            helper.make_node("Tanh", ["product"], ["x"]),
        ],
        "policy",
        [helper.make_tensor_value_info("seen", TensorProto.FLOAT, [None, len(weight)])],
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, size])],
        [helper.make_tensor("weight", TensorProto.FLOAT, weight.shape, weight.tobytes(), raw=True)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, str(path))
    if label:
        label_policy(path, Interface(observation, size=size))
    return weight


@pytest.mark.parametrize("activation", ["tanh", "relu", "linear"])
@pytest.mark.parametrize("output", ["clip", "tanh"])
def test_a_file_holds_the_network(tmp_path, activation, output):
    weights, biases = layers()
    interface = Interface(low=0.2, high=3.0)
    form = {"activation": activation, "output": output, "shift": np.arange(11) / 10, "scale": 2.0}
    network = load_policy(save_policy(tmp_path / "p.npz", weights, biases, interface, **form))
    assert network.interface == interface
    x = (RNG.random(11) - np.arange(11) / 10) / 2.0
    seen = x * 2.0 + np.arange(11) / 10
    act = {"tanh": np.tanh, "relu": lambda y: np.maximum(y, 0), "linear": lambda y: y}[activation]
    end = np.tanh if output == "tanh" else lambda y: np.clip(y, -1, 1)
    np.testing.assert_allclose(network(seen), end(act(x @ weights[0] + biases[0]) @ weights[1] + biases[1]))


@pytest.mark.parametrize("observation", ["account", "auctionnet"])
@pytest.mark.parametrize("action", ["multiplier", "context"])
def test_it_plays_as_it_did_in_the_environment(tmp_path, observation, action):
    env = BidEnv("default", SMALL, observation=observation, action=action, evaluate=True)
    weights, biases = layers(observation, size=env.interface.size)
    file = save_policy(tmp_path / "p.npz", weights, biases, env.interface, shift=0.1)
    network = MLP(weights, biases, env.interface, shift=0.1)
    seat, over = env, False
    seat.reset(options={"replication": 2})
    multipliers = set()
    while not over:
        _, _, over, _, info = env.step(network(env._rounds._running.seat("focal").observed))
        multipliers.add(round(info["multiplier"], 9))
    assert len(multipliers) > 3, "the network does nothing"
    policy = make(StrategySpec(name="trained", path=str(file)), MarketFacts.of(env.scenario))
    everything = tuple(env.scenario.source)
    entrant = Entrant(Priced(bayes(env.scenario, everything), policy), everything, 0.05)
    row = simulate(env.scenario, {"focal": entrant}, 1, 2).of("focal")
    assert (row["value"], row["spend"]) == (info["total_value"], info["total_cost"])


def test_an_onnx_model_plays(tmp_path):
    weight = onnx_file(tmp_path / "p.onnx")
    network = load_policy(tmp_path / "p.onnx")
    seen = RNG.random(11)
    np.testing.assert_allclose(network(seen), np.tanh(seen @ weight), rtol=1e-5)
    again = pickle.loads(pickle.dumps(copy.deepcopy(network)))
    assert np.array_equal(again(seen), network(seen))
    market = load("default", *SMALL)
    policy = Trained(str(tmp_path / "p.onnx"))
    entrant = Entrant(Priced(bayes(market, ("context",)), policy), ("context",), 0.05)
    rows = [simulate(market, {"focal": entrant}, 1).of("focal") for _ in range(2)]
    assert rows[0] == rows[1]
    assert rows[0]["wins"] > 0


def test_a_model_without_a_label_needs_words(tmp_path):
    onnx_file(tmp_path / "p.onnx", label=False)
    with pytest.raises(
        ValueError, match=r"does not say what it sees and does; label it: jointbid\.label_policy"
    ):
        Trained(str(tmp_path / "p.onnx"))
    policy = Trained(str(tmp_path / "p.onnx"), observation="account", low=0.5, high=2.0)
    assert policy.interface == Interface(low=0.5, high=2.0)


def test_the_policy_that_ships_sees_the_account():
    assert Trained().interface.observation == "account"
    with pytest.raises(ValueError, match="observation needs path"):
        Trained(observation="auctionnet")


def spoil(path, **changed):
    with np.load(path) as kept:
        arrays = {**kept, **changed}
    np.savez(path, **{name: value for name, value in arrays.items() if value is not None})


def stated(path, **changed):
    with np.load(path) as kept:
        about = {**json.loads(str(kept["about"])), **changed}
    spoil(path, about=np.array(json.dumps(about)))


@pytest.mark.parametrize(
    ("spoiled", "message"),
    [
        (lambda path: path.unlink(), r"cannot be read \(No such file or directory\)"),
        (lambda path: path.write_bytes(b"no zip"), r"is no policy that jointbid\.save_policy wrote"),
        (lambda path: spoil(path, about=None), r"is no policy that jointbid\.save_policy wrote"),
        (lambda path: stated(path, format="other"), r"has the format 'other'; allowed: 'jointbid-policy-1'"),
        (lambda path: stated(path, observation="raw"), r"observation = raw: must be one of account"),
        (lambda path: stated(path, activation="selu"), r"activation = selu: must be one of tanh, relu"),
        (lambda path: spoil(path, bias_1=None), r"lacks 'bias_1'"),
        (
            lambda path: spoil(path, weight_0=np.zeros((5, 4))),
            r"weight_0: has shape \(5, 4\); allowed: \(11, any number\): the observation 'account' has 11 numbers",
        ),
        (
            lambda path: spoil(path, weight_1=np.zeros((4, 2))),
            r"weight_1: has shape \(4, 2\); allowed: \(4, 1\): layer 0 has 4 numbers, and the action 'multiplier' has 1",
        ),
        (lambda path: spoil(path, bias_0=np.zeros(3)), r"bias_0: has shape \(3,\); allowed: \(4,\)"),
        (lambda path: spoil(path, weight_0=np.full((11, 4), np.nan)), r"weight_0: has numbers that are not finite"),
        (lambda path: spoil(path, scale=np.zeros(11)), r"scale = \[0\.0, .*must be above 0"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_refused_by_its_name(tmp_path, spoiled, message):
    path = save_policy(tmp_path / "p.npz", *layers(), Interface())
    spoiled(path)
    with pytest.raises(UnknownStrategyError, match=rf"strategy 'trained': path = .*p\.npz: {message}"):
        make(StrategySpec(name="trained", path=str(path)), MarketFacts.of(load("default")))


def test_wrong_onnx_files_are_refused(tmp_path):
    path = tmp_path / "p.onnx"
    path.write_bytes(b"no model")
    with pytest.raises(ValueError, match=r"p\.onnx: is no ONNX model that onnxruntime can read"):
        load_policy(path)
    onnx_file(path, inputs=5)
    with pytest.raises(ValueError, match=r"allowed: one of shape \(1, 11\)"):
        load_policy(path)
    onnx_file(path, size=3, label=False)
    with pytest.raises(ValueError, match=r"output 'x' has 3 numbers; allowed: 1"):
        load_policy(path, observation="account")
    onnx_file(path)
    with pytest.raises(ValueError, match="observation = auctionnet: the file says 'account'"):
        load_policy(path, observation="auctionnet")


def test_other_suffixes_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"must end in \.npz or \.onnx"):
        load_policy(tmp_path / "p.pt")
    with pytest.raises(ValueError, match=r"must end in \.npz; export other networks to ONNX"):
        save_policy(tmp_path / "p.onnx", *layers(), Interface())
    with pytest.raises(ValueError, match="2 weights and 1 biases"):
        save_policy(tmp_path / "p.npz", layers()[0], layers()[1][:1], Interface())


def test_the_file_s_content_is_part_of_a_cell_s_address(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    keys = []
    for _ in range(2):
        save_policy("p.npz", *layers(), Interface())
        market = load("default", "strategy=trained", "bidders.strategy.path=p.npz")
        keys.append(Cell(market, "joint").key)
    assert keys[0] != keys[1]
