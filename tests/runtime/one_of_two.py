"""One of two processes: compares what both compute together with what one computes alone on the whole batch.

Started by test_distributed.py with torchrun's environment and a folder for each process; writes what it found into its
own, found.json, and both pre-train in the first one's. At last both give a command that is refused.
"""

import json
import os
import sys
from copy import deepcopy
from pathlib import Path

import jaxtyping
import torch

jaxtyping.install_import_hook("contramix", "beartype.beartype")
torch.set_num_threads(1)

import pyarrow as pa  # noqa: E402
from torch import nn  # noqa: E402

from contramix import cli  # noqa: E402
from contramix.domains.graph.spec import GraphFrontend  # noqa: E402
from contramix.encoders.cnn1d import StepNorm  # noqa: E402
from contramix.encoders.encoder import Inputs  # noqa: E402
from contramix.encoders.gin import GIN  # noqa: E402
from contramix.encoders.mlp import MLP  # noqa: E402
from contramix.encoders.sync_batch_norm import SyncNorm, synced  # noqa: E402
from contramix.encoders.user_module import wrap  # noqa: E402
from contramix.methods.byol import BYOL  # noqa: E402
from contramix.methods.heads import Head, Predictor  # noqa: E402
from contramix.methods.infograph import InfoGraph  # noqa: E402
from contramix.methods.moco import MoCo  # noqa: E402
from contramix.methods.npair import NPair  # noqa: E402
from contramix.methods.simclr import SimCLR  # noqa: E402
from contramix.methods.simsiam import SimSiam  # noqa: E402
from contramix.models.pretraining import Fit, learn_spec  # noqa: E402
from contramix.recipe import Recipe  # noqa: E402
from contramix.runs.pretrain import pretrain_into  # noqa: E402
from contramix.runs.source import MemorySource, open_source  # noqa: E402
from contramix.runs.worker import run_worker  # noqa: E402
from contramix.runtime import distributed, memory  # noqa: E402
from contramix.runtime.randomness import Key  # noqa: E402
from contramix.samples.graph_states import GraphStates  # noqa: E402
from contramix.samples.graphs import Graphs  # noqa: E402
from contramix.training.loop import Train, order  # noqa: E402
from contramix.training.reporter import Reporter  # noqa: E402
from contramix.types import Targets, Views  # noqa: E402

N, D = 6, 5
"""Rows of a process, and their width."""
SMALL = {"encoder.width": 8, "encoder.depth": 1, "train.batch_size": 8, "train.recalibrate_bn": True}
found: dict[str, dict[str, float]] = {}


def note(name, *pairs, **facts):
    """The largest difference of pairs of tensors, and the largest number among those that are compared."""
    there = found.setdefault(name, {"differ": 0.0, "size": 0.0})
    for mine, theirs in pairs:
        assert mine.shape == theirs.shape, (name, mine.shape, theirs.shape)
        there["differ"] = max(there["differ"], float((mine - theirs).detach().abs().max()))
        there["size"] = max(there["size"], float(theirs.detach().abs().max()))
    there |= facts


class LossOf(nn.Module):
    def __init__(self, method):
        super().__init__()
        self.method = method

    def forward(self, views):
        return self.method.loss(views)


def rows(n, seed):
    return torch.randn(n, D, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def labels(partners, seed):
    """Soft labels of one process's rows, which name keys of its own."""
    g = torch.Generator().manual_seed(seed)
    own = torch.arange(N)[:, None]
    others = [torch.randperm(N, generator=g)[:, None] for _ in range(partners)]
    weight = torch.rand(N, partners + 1, generator=g, dtype=torch.float64) + 0.1
    return Targets(torch.cat([own, *others], 1), weight / weight.sum(1, keepdim=True))


def pair(part, partners):
    return Views(rows(N, 10 + part), rows(N, 20 + part), labels(partners, 30 + part))


def mutual(part, partners):
    """2N queries and keys of one process, as Term forms them."""
    key = rows(2 * N, 40 + part)
    first, second = labels(partners, 50 + part), labels(partners, 60 + part)
    targets = Targets(torch.cat([first.index + N, second.index]), torch.cat([first.weight, second.weight]))
    return Views(rows(2 * N, 70 + part) if partners else key, key, targets)


def whole_pair(parts):
    index = torch.cat([view.targets.index + N * n for n, view in enumerate(parts)])
    targets = Targets(index, torch.cat([view.targets.weight for view in parts]))
    return Views(torch.cat([v.query for v in parts]), torch.cat([v.key for v in parts]), targets)


def whole_mutual(parts):
    """All first views, then all second ones; a process's view k of either half becomes view (process * N + k)."""

    def halves(tensors):
        return torch.cat([t[:N] for t in tensors] + [t[N:] for t in tensors])

    moved = []
    for n, view in enumerate(parts):
        index = view.targets.index
        moved.append(torch.where(index < N, index + N * n, index - N + N * (2 + n)))
    targets = Targets(halves(moved), halves([v.targets.weight for v in parts]))
    key = halves([v.key for v in parts])
    query = key if parts[0].query is parts[0].key else halves([v.query for v in parts])
    return Views(query, key, targets)


def build(settings, normed):
    torch.manual_seed(0)
    if normed:
        encoder = MLP(depth=2, width=8).build(Inputs((D,)))
    else:
        encoder = wrap(nn.Sequential(nn.Linear(D, 8), nn.Tanh(), nn.Linear(8, 7)), Inputs((D,)))
    kinds = {"projector": Head(kind="mlpbn" if normed else "mlp", hidden=9, out=4)}
    if hasattr(settings, "predictor"):
        kinds["predictor"] = Predictor(kind="mlpbn1" if normed else "mlp", hidden=6)
    method = settings.model_copy(update=kinds).build(encoder)
    if hasattr(method, "momentum"):  # it shall not be the online network
        for p in method.target.parameters():
            p.add_(torch.randn(p.shape) * 0.3)
    return method.train().double()


def compare(name, settings, partners, normed=False):
    """Loss, gradients, queue and running statistics of two steps."""
    view, joined = (mutual, whole_mutual) if isinstance(settings, SimCLR) else (pair, whole_pair)
    parts = [view(part, partners) for part in range(2)]
    with distributed.single_process():
        single = build(settings, normed)
        for _ in range(2):
            single.zero_grad()
            wanted = single.loss(joined(parts)) if settings.gather else sum(map(single.loss, parts)) / 2
            wanted.backward()
            single.after_step()
    method = build(settings, normed)
    method = synced(method) if normed else method
    together = distributed.wrap_ddp(LossOf(method))
    for _ in range(2):
        method.zero_grad()
        loss = together(parts[distributed.rank()])
        loss.backward()
        method.after_step()
    note(name, (distributed.all_reduce_mean(loss.detach()), wanted.detach()))
    mine, theirs = dict(method.named_parameters()), dict(single.named_parameters())
    assert mine.keys() == theirs.keys()
    note(name, *((mine[n].grad, p.grad) for n, p in theirs.items() if p.grad is not None))
    floats = {n: b for n, b in single.named_buffers() if b.is_floating_point()}
    note(name, *((b, floats[n]) for n, b in method.named_buffers() if n in floats))


def compare_infograph(gather):
    """Graphs of two processes, of different numbers of nodes."""
    g = torch.Generator().manual_seed(3)
    counts = torch.tensor([3, 1, 2, 5, 4, 2, 6, 3])
    ring = [
        torch.stack([torch.arange(n), (torch.arange(n) + 1) % n]) + first
        for n, first in zip(counts.tolist(), (counts.cumsum(0) - counts).tolist())
    ]
    x = torch.randn(int(counts.sum()), 3, generator=g, dtype=torch.float64)
    graphs = Graphs(x, torch.cat(ring, 1), counts, counts)

    def built():
        torch.manual_seed(0)
        inputs = Inputs((3,), kind="graphs")
        encoder = GIN(width=4, layers=2).build(inputs).with_front(GraphFrontend(), inputs)
        return InfoGraph(gather=gather).build(encoder).double()

    def views(which):
        state = GraphStates.from_graphs(graphs[which])
        return Views(state, state, Targets.identity(len(which)), "input")

    parts = torch.arange(8).split(4)
    with distributed.single_process():
        single = built()
        for module in single.modules():  # statistics of parts are not those of the whole; the others are tested above
            if isinstance(module, nn.BatchNorm1d):
                module.eval()
        wanted = single.loss(views(torch.arange(8))) if gather else sum(single.loss(views(p)) for p in parts) / 2
        wanted.backward()
    method = synced(built()) if gather else built()
    for module in method.modules():
        if isinstance(module, nn.BatchNorm1d | SyncNorm):
            module.eval()
    together = distributed.wrap_ddp(LossOf(method))
    loss = together(views(parts[distributed.rank()]))
    loss.backward()
    name = f"infograph{'' if gather else ', not gathered'}"
    note(name, (distributed.all_reduce_mean(loss.detach()), wanted.detach()))
    note(name, *((a.grad, b.grad) for a, b in zip(method.parameters(), single.parameters())))


def compare_norm(name, plain, x, presence=None, momentum=0.1):
    """Output, gradients and running statistics on rows that processes have in unequal numbers."""
    plain.momentum = momentum
    with torch.no_grad():
        plain.weight.normal_(generator=torch.Generator().manual_seed(1))
        plain.bias.normal_(generator=torch.Generator().manual_seed(2))
    shared = synced(nn.Sequential(deepcopy(plain)))[0]
    factor = torch.randn(x.shape, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    x = x.requires_grad_()
    for _ in range(2):
        whole = plain(x) if presence is None else plain(x, presence)
        (whole * factor).sum().backward()
    wanted, x.grad = x.grad, None
    part = slice(0, 2) if distributed.rank() == 0 else slice(2, None)
    for _ in range(2):
        mine = shared(x[part]) if presence is None else shared(x[part], presence[part])
        (mine * factor[part]).sum().backward()
    note(name, (mine, whole[part]), (x.grad[part], wanted[part]))
    totals = [2 * distributed.all_reduce_mean(p.grad) for p in shared.parameters()]
    note(name, *zip(totals, (p.grad for p in plain.parameters())))
    note(name, (shared.running_mean, plain.running_mean), (shared.running_var, plain.running_var))
    assert int(shared.num_batches_tracked) == 2
    plain.eval()
    note(name, (shared.eval()(x), plain(x)))


def train_fit(fit):
    losses = [float(step.loss) for step in fit.steps()]
    return torch.tensor(losses), dict(fit.state.objective.state_dict())


def compare_training():
    """The whole loop where nothing is drawn: six epochs on a table, two processes or one."""
    g = torch.Generator().manual_seed(5)
    table = pa.table({name: torch.randn(37, generator=g).tolist() for name in "abcd"})
    settings = {"noise.kind": "none", "train.batch_size": 12, "train.epochs": 6}
    settings |= {"encoder.width": 8, "encoder.depth": 2, "train.clip_norm": 0.5, "train.optimizer": "sgd"}
    settings |= {"imix": "none", "method.kind": "moco", "method.queue": 30, "train.lr": 0.1}
    recipe = Recipe.load("imix-npair", settings)
    spec, _ = learn_spec(table, recipe)
    with distributed.single_process():
        alone = Fit.begin(recipe, spec, spec.tensorize(table), 0, "cpu")
        before = {n: p.detach().clone() for n, p in alone.state.objective.state_dict().items()}
        losses, weights = train_fit(alone)
    fit = Fit.begin(recipe, spec, spec.tensorize(table), 0, "cpu")
    assert any(isinstance(module, SyncNorm) for module in fit.state.objective.modules())
    mine, theirs = train_fit(fit)
    assert weights.keys() == theirs.keys()
    note("training", (mine, losses), *((theirs[n].double(), w.double()) for n, w in weights.items()))
    moved = max(float((w - before[n]).abs().max()) for n, w in weights.items() if n.endswith("weight"))
    note("training", moved=moved)


def pretrain_together(folder):
    """A whole run, and once more where it is finished; whether the first process found it so."""
    table = pa.table({"a": [n * n % 17 / 3 for n in range(25)], "b": [n % 5 * 1.5 for n in range(25)]})
    recipe = Recipe.load("imix-npair", SMALL | {"train.epochs": 2})
    if distributed.rank():
        return [run_worker(folder, MemorySource(table), recipe) for _ in range(2)][1]
    return [pretrain_into(folder, MemorySource(table), recipe) for _ in range(2)][1].was_finished


class Notes(Reporter):
    """Append notes to a list."""

    def __init__(self, notes):
        self.note = notes.append


def pretrain_from_cache(folder, data):
    """A run on a table that does not fit into the first process's memory; the second one has plenty."""
    data.write_text("a,b\n" + "".join(f"{n * n % 17 / 3},{n % 5 * 1.5}\n" for n in range(25)))
    memory.available = lambda: [0, 2**60][distributed.rank()]
    recipe, told = Recipe.load("imix-npair", SMALL | {"train.epochs": 2}), []
    source = open_source(data, recipe, folder)
    if distributed.rank():
        run_worker(folder, source, recipe)
    else:
        pretrain_into(folder, source, recipe, reporter=Notes(told))
    return told


def main(*folders):
    distributed.init()
    rank = distributed.rank()

    x = (torch.arange(6.0).reshape(3, 2) + 10 * rank).requires_grad_()
    every = distributed.all_gather(x)
    factor = torch.arange(12.0).reshape(6, 2)
    ((rank + 1) * factor * every).sum().backward()
    note("gathered", (every, torch.cat([torch.arange(6.0), torch.arange(6.0) + 10]).reshape(6, 2)))
    note("gathered", (x.grad, 3 * factor[3 * rank : 3 * rank + 3]))
    facts = {"agreed": distributed.all_reduce_max([0, 15][rank]), "said": distributed.broadcast_object({"n": rank})}
    facts["bytes"] = distributed.broadcast_bytes(b"abc" if rank == 0 else b"").decode()

    for partners in (0, 1, 3):
        for gather in (True, False):
            more = f", {partners} partners" + ("" if gather else ", not gathered")
            compare(f"npair{more}", NPair(temperature=0.3, gather=gather), partners)
            compare(f"simclr{more}", SimCLR(temperature=0.4, gather=gather), partners)
            compare(f"moco{more}", MoCo(queue=40, temperature=0.3, gather=gather), partners)
    compare("npair, two passes", NPair(passes="two"), 1)
    compare("original moco", MoCo(form="original", queue=40), 0)
    compare("byol", BYOL(), 2)
    compare("simsiam", SimSiam(), 2)
    methods = {"npair": NPair(), "simclr": SimCLR(), "moco": MoCo(queue=17), "byol": BYOL(), "simsiam": SimSiam()}
    for name, settings in methods.items():
        compare(f"{name}, BatchNorm", settings, 1, normed=True)
    compare_infograph(True)
    compare_infograph(False)

    g = torch.Generator().manual_seed(7)
    compare_norm("norm of rows", nn.BatchNorm1d(3).double(), 3 + torch.randn(7, 3, generator=g).double())
    images = torch.randn(5, 3, 4, 2, generator=g).double()
    compare_norm("norm of images", nn.BatchNorm2d(3).double(), images, momentum=None)
    series, lengths = torch.randn(6, 2, 1, 5, generator=g).double(), torch.tensor([5, 1, 3, 2, 5, 4])
    presence = (torch.arange(5) < lengths[:, None]).double()
    compare_norm("norm of series", StepNorm(2).double(), series * presence[:, None, None], presence)
    compare_training()

    plan = Train(batch_size=8, epochs=2).plan(37)
    facts["seen"] = [distributed.local_shard(batch).tolist() for batch in order(torch.zeros(37), plan, seed=0)]
    facts["drawn"] = distributed.per_rank(Key(0).at("step", 3)).seed
    facts["run"] = str(Path(folders[0]) / "run")
    facts["again"] = pretrain_together(Path(facts["run"]))
    facts["cached"] = str(Path(folders[0]) / "cached")
    facts["cached_told"] = pretrain_from_cache(Path(facts["cached"]), Path(folders[rank]) / "large.csv")
    Path(folders[rank], "found.json").write_text(json.dumps({"found": found, "facts": facts}))
    distributed.shutdown()


def refused(folder, mine, port):
    """A command that both give, and that is wrong: this process ends with its exit code."""
    data = Path(mine, "rows.csv")
    data.write_text("a,b\n" + "".join(f"{n * n % 17 / 3},{n % 5 * 1.5}\n" for n in range(25)))
    os.environ["MASTER_PORT"] = port
    settings = [f"--set={name}={str(value).lower()}" for name, value in SMALL.items()]
    cli.main(["pretrain", str(data), "--out", str(Path(folder) / "run"), *settings, "--epochs", "3"])


*folders, port = sys.argv[1:]
main(*folders)
refused(folders[0], folders[int(os.environ["RANK"])], port)
