"""Test the training loop: same seed, same bytes; resumed equals uninterrupted; and runs that cannot continue."""

import math
import warnings

import pytest
import torch
from pydantic import ValidationError
from torch import nn

from contramix.encoders.encoder import Inputs
from contramix.encoders.mlp import MLP
from contramix.encoders.user_module import wrap
from contramix.errors import ContramixWarning, InputError, RunError
from contramix.methods import METHODS
from contramix.methods.heads import Head
from contramix.mixing.imix import IMix
from contramix.noise.mixup import MixupNoise
from contramix.runtime.randomness import Key
from contramix.training import checkpoint
from contramix.training.loop import Plan, State, Train, pretrain, recalibrate_bn
from contramix.training.objective import Objective, TermSettings
from contramix.training.optimizers import OPTIMIZERS

CONTRASTIVE = [kind for kind, settings in METHODS.items() if settings().imix_unsupported_reason is None]
ROWS, D = 21, 6
PLAN = Plan(batch_size=8, steps_per_epoch=2, epochs=5)
MIDDLE = 5


def data() -> torch.Tensor:
    return torch.randn(ROWS, D, generator=torch.Generator().manual_seed(2))


def train_of(optimizer="adamw", **changes) -> Train:
    return Train(optimizer=optimizer, lr=0.05, batch_size=8, epochs=5, **changes)


def begin(train, kind="npair", module=None) -> State:
    method = METHODS[kind](projector=Head(kind="mlpbn", hidden=8, out=5))
    if kind == "moco":
        method = method.model_copy(update={"queue": 11})
    torch.manual_seed(7)
    encoder = wrap(module(), Inputs((D,))) if module else MLP(depth=2, width=8).build(Inputs((D,)))
    term = TermSettings(method=method, noise=MixupNoise(), imix=IMix(cut=("input", encoder.cuts[1])))
    objective = Objective(encoder, term)
    return State(objective, train.build(objective.parameters()))


def run(state, train, steps=None, seed=0, x=None):
    taken = []
    for step in pretrain(data() if x is None else x, state, train, PLAN, seed):
        taken.append(step)
        if step.step == steps:
            break
    return taken


def everything(state) -> bytes:
    tensors = {f"w.{n}": t for n, t in state.objective.state_dict().items()}
    for number, entries in state.optimizer.state_dict()["state"].items():
        tensors |= {f"o.{number}.{n}": t for n, t in entries.items() if isinstance(t, torch.Tensor)}
    return checkpoint.to_bytes(tensors, {})


def test_steps_are_counted_and_their_rate_is_the_schedules():
    train = train_of()
    taken = run(begin(train), train)
    assert [s.step for s in taken] == list(range(1, 11))
    assert [s.epoch for s in taken] == [n // 2 for n in range(10)]
    assert [s.rate for s in taken] == [train.rate(n, 2, 5) for n in range(10)]
    assert all(s.loss.isfinite() and not s.loss.requires_grad for s in taken)


def test_the_rate_reaches_the_optimiser():
    train = train_of("sgd", momentum=0.0, weight_decay=0.0, schedule="constant", warmup_epochs=2.0)
    state = begin(train)
    rates = []
    for _ in pretrain(data(), state, train, PLAN, 0):
        rates.append(state.optimizer.param_groups[0]["lr"])
    assert rates == [train.rate(n, 2, 5) for n in range(10)]
    assert rates[0] == pytest.approx(0.05 / 4)


@pytest.mark.parametrize("kind", CONTRASTIVE)
def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(kind):
    train = train_of()
    results = []
    for seed in (0, 0, 1):
        state = begin(train, kind)
        torch.manual_seed(len(results))  # global randomness must not matter
        run(state, train, seed=seed)
        results.append(everything(state))
    assert results[0] == results[1] != results[2]


@pytest.mark.parametrize("kind", ["moco", "byol"])
def test_momentum_network_and_queue_follow_once_the_weights_have_moved(kind):
    train = train_of("sgd")
    state = begin(train, kind)
    (method,) = state.objective.methods
    before = [p.clone() for p in method.target.parameters()]
    steps = pretrain(data(), state, train, PLAN, 0)
    next(steps)
    m, furthest = 0.999, 0.0
    for then, now, online in zip(before, method.target.parameters(), method.online.parameters(), strict=True):
        torch.testing.assert_close(now, m * then + (1 - m) * online.detach(), atol=1e-7, rtol=1e-5)
        furthest = max(furthest, (now - then).abs().max().item())
    assert furthest > 1e-5
    if kind == "moco":
        assert int(method.position) == 8
        next(steps)
        assert int(method.position) == 16 - 11


def test_training_leaves_global_randomness_alone():
    train = train_of()
    state, before = begin(train), torch.get_rng_state()
    run(state, train)
    assert torch.equal(torch.get_rng_state(), before)


def test_each_epoch_sees_each_row_at_most_once_in_a_new_order():
    seen = []

    class Note(Objective):
        def __init__(self):
            nn.Module.__init__(self)
            self.weight, self.methods = nn.Parameter(torch.ones(1)), []

        def forward(self, x, key):
            seen.append(x[:, 0].tolist())
            return self.weight.sum() * 0

    note = Note()
    state = State(note, torch.optim.SGD(note.parameters(), lr=0.1))
    run(state, train_of(), x=torch.arange(ROWS).float()[:, None].expand(ROWS, D))
    epochs = [[*seen[n], *seen[n + 1]] for n in range(0, 10, 2)]
    assert all(len(set(e)) == 16 for e in epochs)
    assert len({tuple(e) for e in epochs}) == 5
    assert len(set().union(*epochs)) == ROWS  # what one epoch leaves out another sees


@pytest.mark.parametrize(
    ("kind", "optimizer"), [("npair", o) for o in OPTIMIZERS] + [(k, o) for k in ("moco", "byol") for o in OPTIMIZERS]
)
def test_a_resumed_run_equals_an_uninterrupted_one(kind, optimizer, tmp_path):
    train = train_of(optimizer)
    whole = begin(train, kind)
    run(whole, train)

    stopped = begin(train, kind)
    run(stopped, train, steps=MIDDLE)
    checkpoint.save(tmp_path, stopped, "data")
    resumed = begin(train, kind)
    torch.manual_seed(99)
    for p in resumed.objective.parameters():  # a fresh start of other weights: all must come from the file
        p.data.normal_()
    assert checkpoint.resume(tmp_path, resumed, "data")
    assert resumed.step == MIDDLE
    run(resumed, train)
    assert everything(resumed) == everything(whole)
    assert everything(resumed) != everything(stopped)


def with_dropout():
    return nn.Sequential(nn.Linear(D, 8), nn.Dropout(0.5), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 4))


class FunctionalDropout(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(D, 8)

    def forward(self, x):
        return nn.functional.dropout(self.layer(x), 0.5, self.training)


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.up = nn.Linear(D, 12)
        self.layer = nn.TransformerEncoderLayer(4, 2, 8, dropout=0.3, batch_first=True)

    def forward(self, x):
        return self.layer(self.up(x).unflatten(1, (3, 4))).flatten(1)


@pytest.mark.parametrize("module", [with_dropout, FunctionalDropout, Attention], ids=lambda m: m.__name__)
def test_dropout_of_a_users_encoder_resumes_the_same(module, tmp_path):
    train = train_of()
    whole, stopped, resumed = (begin(train, "byol", module) for _ in range(3))
    torch.manual_seed(1)
    run(whole, train)
    torch.manual_seed(2)
    run(stopped, train, steps=MIDDLE)
    checkpoint.save(tmp_path, stopped, "data")
    checkpoint.resume(tmp_path, resumed, "data")
    run(resumed, train)
    assert everything(resumed) == everything(whole)


def test_dropout_draws_anew_at_each_step():
    train = train_of(schedule="constant")
    state = begin(train, module=with_dropout)
    masks = []
    state.objective.encoder.stages["stage1"].register_forward_hook(lambda m, a, out: masks.append((out == 0).tolist()))
    run(state, train, steps=4)
    assert len({str(mask) for mask in masks}) >= 4


@pytest.mark.parametrize("damage", ["flipped", "cut", "emptied"])
def test_a_damaged_last_checkpoint_falls_back_to_the_one_before(damage, tmp_path):
    train = train_of()
    whole = begin(train)
    run(whole, train)
    state = begin(train)
    for step in pretrain(data(), state, train, PLAN, 0):
        if step.step in (3, 5, 7):
            last = checkpoint.save(tmp_path, state, "data")
        if step.step == 7:
            break
    assert len(list(tmp_path.glob("step-*"))) == 2  # the last two are kept
    content = bytearray(last.read_bytes())
    if damage == "flipped":
        content[len(content) // 2] ^= 0xFF
    last.write_bytes({"flipped": content, "cut": content[:-100], "emptied": b""}[damage])
    resumed = begin(train)
    with pytest.warns(ContramixWarning, match=r"damaged.*step 5"):
        assert checkpoint.resume(tmp_path, resumed, "data")
    assert resumed.step == 5
    run(resumed, train)
    assert everything(resumed) == everything(whole)


def test_when_every_checkpoint_is_damaged_the_message_says_so(tmp_path):
    train = train_of()
    state = begin(train)
    checkpoint.save(tmp_path, state, "data").write_bytes(b"")
    with pytest.raises(InputError, match="no earlier checkpoint is whole"):
        checkpoint.resume(tmp_path, begin(train), "data")


def test_checkpoints_of_other_data_or_another_network_are_refused(tmp_path):
    train = train_of()
    assert not checkpoint.resume(tmp_path, begin(train), "data")
    checkpoint.save(tmp_path, begin(train), "data")
    with pytest.raises(InputError, match="other data"):
        checkpoint.resume(tmp_path, begin(train), "other")
    with pytest.raises(InputError, match="another architecture"):
        checkpoint.resume(tmp_path, begin(train, "byol"), "data")


def test_a_checkpoint_is_the_same_bytes_each_time_and_leaves_nothing_beside(tmp_path):
    train = train_of()
    state = begin(train)
    run(state, train, steps=2)
    first = checkpoint.save(tmp_path, state, "data")
    content = first.read_bytes()
    assert checkpoint.save(tmp_path, state, "data") == first
    assert first.read_bytes() == content
    (tmp_path / ".tmp-killed").write_bytes(b"half")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        checkpoint.resume(tmp_path, begin(train), "data")
    assert [p.name for p in tmp_path.iterdir()] == [first.name]


def seen_at_the_second_step() -> int:
    order = torch.randperm(ROWS, generator=Key(0).at("order", 0).generator())
    return int(order[8 + 3])


def test_a_loss_that_is_not_finite_ends_the_run_before_weights_move(tmp_path):
    x = data()
    x[seen_at_the_second_step(), 0] = float("nan")
    train = train_of()
    state = begin(train)
    steps = pretrain(x, state, train, PLAN, 0)
    assert next(steps).step == 1
    saved = checkpoint.save(tmp_path, state, "data")
    content, weights = saved.read_bytes(), [p.detach().clone() for p in state.objective.parameters()]
    with pytest.raises(RunError, match=r"not finite at step 2 .*learning rate"):
        next(steps)
    assert state.step == 1
    assert all(torch.equal(a, b) for a, b in zip(weights, state.objective.parameters()))
    assert saved.read_bytes() == content
    assert checkpoint.resume(tmp_path, begin(train), "data")


def test_clipping_shortens_gradients():
    train = train_of("sgd", momentum=0.0, weight_decay=0.0, schedule="constant", warmup_epochs=0.0, clip_norm=1e-3)
    state = begin(train)
    before = [p.detach().clone() for p in state.objective.parameters()]
    run(state, train, steps=1)
    moved = sum((a - b).pow(2).sum() for a, b in zip(before, state.objective.parameters())).sqrt().item()
    assert moved == pytest.approx(0.05 * 1e-3, rel=0.02)


def bn_encoder():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(D, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 3), nn.BatchNorm1d(3))


def test_recalibration_gives_the_statistics_of_clean_samples():
    encoder = wrap(bn_encoder(), Inputs((D,)))
    first, norm, _, second, last = encoder.stages.values()
    norm.running_mean.fill_(100.0)
    encoder.eval()
    first.train()
    weights = {n: p.clone() for n, p in encoder.named_parameters()}
    x = data()
    state = torch.get_rng_state()
    recalibrate_bn(encoder, x)
    with torch.no_grad():
        a = first(x)
        torch.testing.assert_close(norm.running_mean, a.mean(0))
        torch.testing.assert_close(norm.running_var, a.var(0))
        hidden = (a - a.mean(0)) / (a.var(0, correction=0) + norm.eps).sqrt()  # and no dropout
        b = second(hidden)
    torch.testing.assert_close(last.running_mean, b.mean(0), atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(last.running_var, b.var(0), atol=1e-5, rtol=1e-4)
    assert all(torch.equal(p, weights[n]) for n, p in encoder.named_parameters())
    assert torch.equal(torch.get_rng_state(), state)
    assert norm.momentum == last.momentum == 0.1
    assert first.training
    assert not norm.training
    assert not encoder.training


def test_recalibration_in_batches_is_the_mean_over_batches():
    encoder = wrap(bn_encoder(), Inputs((D,)))
    first, norm, *_ = encoder.stages.values()
    x = data()
    recalibrate_bn(encoder, x, batch_size=8)
    with torch.no_grad():
        parts = [first(part) for part in x.tensor_split(math.ceil(ROWS / 8))]
    torch.testing.assert_close(norm.running_mean, sum(p.mean(0) for p in parts) / len(parts))
    torch.testing.assert_close(norm.running_var, sum(p.var(0) for p in parts) / len(parts))


@pytest.mark.parametrize(
    ("samples", "changes", "plan"),
    [
        (10_000, {}, (512, 19, 53)),
        (200_000, {}, (512, 390, 5)),
        (10_000_000, {}, (512, 19531, 5)),
        (100, {}, (100, 1, 100)),
        (100, {"batch_size": 30, "epochs": 3}, (30, 3, 3)),
        (2, {}, (2, 1, 100)),
    ],
)
def test_a_plan_counts_batches_and_epochs(samples, changes, plan):
    made = Train(**changes).plan(samples)
    assert made == plan
    assert made.steps == plan[1] * plan[2]


@pytest.mark.parametrize(
    ("samples", "changes", "says"),
    [(1, {}, "2 rows"), (9, {"batch_size": 10}, "9 rows"), (9, {"batch_size": 1}, "at least 2")],
)
def test_plans_that_cannot_be_are_refused(samples, changes, says):
    with pytest.raises(InputError, match=says):
        Train(**changes).plan(samples)


@pytest.mark.parametrize(
    "wrong", [{"epochs": 0}, {"epochs": True}, {"batch_size": "all"}, {"lr": 0.0}, {"optimizer": "sdg"}]
)
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(ValidationError):
        Train.model_validate(wrong)


def test_auto_takes_its_most_or_all_samples_where_there_are_fewer():
    train = Train(auto_batch=256)
    assert train.plan(10_000).batch_size == 256
    assert train.plan(60).batch_size == 60
    assert Train().plan(10_000).batch_size == 512
