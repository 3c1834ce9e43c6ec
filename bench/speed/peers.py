"""Compare a training step with the same step in other libraries: the same network, rows, batch and noise.

python -m bench.speed.peers [--rounds 7] [--env DIR] [--json FILE]
python -m bench.speed.peers --make-env DIR

The other libraries are installed in an environment of their own on first use (peers_environment.py). Tables are the
CovType rows of the package, with an MLP of depth 4 and width 512, batch 512. Images are 2,048 random images, with a CNN
of width 16, batch 256. All train in float32 with AdamW at the same settings: the other libraries with torch's default
implementation, contramix with its fused one. Methods and noises are the recipes', changed only where that makes the
losses equal: MoCo in its original form, BYOL symmetric, and a second SCARF with NT-Xent.

A DataLoader gets 0 or 2 workers, whichever a trial finds faster. Each round gives each candidate one turn, one after
the other: as many complete steps, batch included, as fit in ``TURN`` seconds, after the batches that workers had
prepared. A ratio compares two turns of one round, the other library by contramix; the table holds medians over rounds.
The script first checks that the losses of the same vectors are equal (peer_agreement.py).

Not measured: pytorch-metric-learning's NT-Xent of both views' batch, which holds (positive pairs) x (negative pairs)
numbers, 4 GiB at batch 512. It is compared as N-pair instead, one view against the other.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import torch
from torch import nn

import bench.speed.peer_loops as loops
from bench.speed import peers_environment
from bench.speed.peer_agreement import agreement
from bench.speed.steps import images, tables
from contramix.models.pretraining import Fit
from contramix.recipe import Recipe
from contramix.runtime.memory import keep_freed_memory

TURN = 0.4
"""Seconds of a turn."""
PREFETCHED = 2
"""Number of batches that a worker of a DataLoader prepares ahead."""
TABLE = {"train.epochs": 10_000, "encoder.width": 512, "train.batch_size": 512}
IMAGE = {"train.epochs": 10_000}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument(
        "--env", type=Path, default=peers_environment.DEFAULT, help="where the other libraries are installed"
    )
    parser.add_argument("--make-env", type=Path, metavar="DIR", help="install the other libraries into DIR, and stop")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    if options.make_env:
        print(peers_environment.ready_python(options.make_env))
        return
    if not find_spec("lightly"):
        sys.exit(peers_environment.run_inside(options.env, ["-m", "bench.speed.peers", *sys.argv[1:]]))
    keep_freed_memory()  # as the command line does; the other libraries get it too
    print(f"{torch.get_num_threads()} threads, torch {torch.__version__}")
    print(f"\n{'losses of the same vectors':44} {'difference':>10}")
    for name, gap in agreement().items():
        print(f"{name:44} {gap:10.1e}")
    print(f"\n{'peer':38} {'what':24} {'ours ms':>8} {'peer ms':>8} {'ratio':>6} {'shipped':>8} {'ratio':>6}  note")
    rows = measure(options.rounds)
    for row in rows:
        what = f"{row['peer']:38} {row['what']:24}"
        shipped = f"{row['shipped_ms']:8.1f} {row['shipped_ratio']:6.2f}"
        print(f"{what} {row['ours_ms']:8.1f} {row['peer_ms']:8.1f} {row['ratio']:6.2f} {shipped}  {row['note']}")
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")


@dataclass
class Candidate:
    """Hold an endless iterator of training steps, for a number of DataLoader workers."""

    begin: Callable[[int], Iterator[Any]]
    workers: int = 0
    trial: str = ""

    def turn(self) -> float:
        """Return the milliseconds per step, the mean over a turn."""
        steps = self.begin(self.workers)
        for _ in range(PREFETCHED * self.workers):
            next(steps)
        taken, began = 0, time.perf_counter()
        while (passed := time.perf_counter() - began) < TURN:
            next(steps)
            taken += 1
        return 1000 * passed / taken

    def choose_workers(self) -> None:
        """Choose the faster number of workers, by one turn each."""
        without, self.workers = self.turn(), 2
        with_two = self.turn()
        self.workers = 0 if without <= with_two else 2
        self.trial = f"{self.workers} workers (trial: without {without:.0f} ms, with two {with_two:.0f} ms)"


class Pair(NamedTuple):
    """Describe a row of the table: the other library's step, and the name of ours."""

    peer: str
    what: str
    ours: str
    theirs: Candidate
    note: str = ""


def measure(rounds: int) -> list[dict[str, Any]]:
    """Return a row for each library and method; run it inside their environment."""
    loops.import_torchvision()
    ours, shipped = (
        {name: Fit.begin(*fit, seed=0, device="cpu") for name, fit in fits(precision).items()}
        for precision in ("float32", "auto")
    )
    pairs = [*table_pairs(ours), image_pair(ours["images"])]
    candidates: dict[Any, Candidate] = {name: of_fit(fit) for name, fit in ours.items()}
    candidates |= {id(pair.theirs): pair.theirs for pair in pairs}
    candidates |= {(name, "as shipped"): of_fit(fit) for name, fit in shipped.items()}
    for candidate in candidates.values():
        candidate.turn()  # to warm up
        if candidate.trial:
            candidate.choose_workers()
    times: dict[Any, list[float]] = {name: [] for name in candidates}
    for _ in range(rounds):
        for name, candidate in candidates.items():
            times[name].append(candidate.turn())
    return [row(pair, times[pair.ours], times[pair.ours, "as shipped"], times[id(pair.theirs)]) for pair in pairs]


def row(pair: Pair, ours: list[float], shipped: list[float], theirs: list[float]) -> dict[str, Any]:
    """Return a row of the table from the milliseconds of all rounds."""
    return {
        "peer": pair.peer,
        "what": pair.what,
        "ours_ms": median(ours),
        "peer_ms": median(theirs),
        "ratio": median(theirs_ms / ours_ms for ours_ms, theirs_ms in zip(ours, theirs)),
        "shipped_ms": median(shipped),
        "shipped_ratio": median(theirs_ms / shipped_ms for shipped_ms, theirs_ms in zip(shipped, theirs)),
        "rounds": len(ours),
        "threads": torch.get_num_threads(),
        "note": "; ".join(filter(None, [pair.theirs.trial, pair.note])),
    }


def fits(precision: str) -> dict[str, tuple[Recipe, Any, Any]]:
    """Return what contramix trains, by name: recipe, specification, samples."""
    products = {"train.precision": precision}
    ntxent = {"method.kind": "simclr", "method.temperature": 1.0, "method.projector.kind": "mlp"}
    changes: dict[str, dict[str, Any]] = {
        "npair": {},
        "imix-npair": {},
        "simclr": {},
        "byol": {"method.symmetric": True},
        "moco": {"method.form": "original"},
        "scarf": {},
        "scarf, NT-Xent": ntxent,
    }
    rows, pixels = tables(), images()
    made = {name: (Recipe.load(name.partition(",")[0], TABLE | products | of), *rows) for name, of in changes.items()}
    return made | {"images": (Recipe.load("simclr", IMAGE | products, "image"), *pixels)}


def of_fit(fit: Fit) -> Candidate:
    """Return contramix's steps as a candidate."""
    steps = fit.steps()
    return Candidate(lambda _: steps)


def of_peer(step: Callable[[Any], None], batches: Callable[[int], Iterator[Any]], workers: bool = True) -> Candidate:
    """Return another library's steps as a candidate; with ``workers``, their number is chosen by a trial."""
    return Candidate(lambda number: map(step, batches(number)), trial="to be found" if workers else "")


def model_of(fit: Fit) -> loops.Model:
    """Return a copy of the networks before training."""
    online = fit.state.objective.summands[0].method.online
    return loops.Model(online.encoder, online.projector).train()


def weights(*modules: nn.Module) -> int:
    """Return the number of trained parameters."""
    return sum(p.numel() for module in modules for p in module.parameters() if p.requires_grad)


def table_pairs(ours: dict[str, Fit]) -> list[Pair]:
    """Return the pairs on tables."""
    from lightly.loss import NTXentLoss
    from lightly.transforms.multi_view_transform import MultiViewTransform

    x, layout, size = ours["npair"].x, ours["npair"].spec.layout(), ours["npair"].plan.batch_size
    marginal = loops.from_marginals(layout, x, ours["npair"].recipe.noise.rate)
    drop = loops.dropped(layout, ours["simclr"].recipe.noise.rate)
    set_of = {name: ours[name].recipe.method for name in ours}
    alpha = ours["imix-npair"].recipe.imix.alpha

    def each_row(view: loops.View) -> Callable[[int], Iterator[Any]]:
        return lambda workers: loops.loaded(loops.Transformed(x, lambda row: (view(row), view(row))), size, workers)

    def lightlys(step: Callable[[Any], None]) -> Candidate:
        data = loops.Transformed(x, MultiViewTransform([drop, drop]))
        return of_peer(step, lambda workers: loops.loaded(data, size, workers))

    def at_once(_: int) -> Iterator[Any]:
        return loops.read_at_once(x, marginal, size)

    def plain(name: str) -> Callable[[Any], None]:
        return loops.of_pairs(model_of(ours[name]), loops.npair(set_of[name].temperature))

    def imix() -> Callable[[Any], None]:
        return loops.imix(model_of(ours["imix-npair"]), alpha, set_of["imix-npair"].temperature)

    simclr = loops.of_pairs(model_of(ours["simclr"]), NTXentLoss(set_of["simclr"].temperature))
    predictor = ours["byol"].state.objective.summands[0].method.predictor
    byol = loops.lightly_byol(model_of(ours["byol"]), predictor, set_of["byol"].momentum)
    queue = ours["moco"].state.objective.summands[0].method.queue
    bank = NTXentLoss(set_of["moco"].temperature, memory_bank_size=tuple(queue.shape))
    moco = loops.lightly_moco(model_of(ours["moco"]), bank, set_of["moco"].momentum)
    pml = loops.of_pairs(model_of(ours["npair"]), loops.metric_learning(set_of["npair"].temperature))
    slow = "0 workers: its loss takes so long that data hardly count"

    data, module = loops.tabulars3l(x, 512, 4, set_of["scarf"].projector.out, set_of["scarf"].temperature)
    ts3l = of_peer(loops.scarf(module), lambda workers: loops.loaded(data, size, workers), False)
    size_of = weights(module.model.backbone_module, module.model.pretraining_head), weights(model_of(ours["scarf"]))
    network = f"{slow}; its own network, without BatchNorm and ReLU after the encoder, with a head as narrow as its "
    network += "output: {:,} weights, ours {:,}".format(*size_of)

    typed = "plain linear mixing, one weight a batch; ours mixes by types, a weight a row"
    lightly, metric = f"lightly {version('lightly')}", f"pytorch-metric-learning {version('pytorch-metric-learning')}"
    published = "i-Mix, Algorithm 1"
    return [
        Pair(lightly, "simclr", "simclr", lightlys(simclr)),
        Pair(lightly, "byol, symmetric", "byol", lightlys(byol)),
        Pair(lightly, "moco, original form", "moco", lightlys(moco)),
        Pair("PyTorch, DataLoader", "npair", "npair", of_peer(plain("npair"), each_row(marginal))),
        Pair("PyTorch, one indexed read", "npair", "npair", of_peer(plain("npair"), at_once, False)),
        Pair(metric, "npair", "npair", of_peer(pml, each_row(marginal), False), slow),
        Pair(f"{published}, DataLoader", "imix-npair", "imix-npair", of_peer(imix(), each_row(marginal)), typed),
        Pair(f"{published}, one indexed read", "imix-npair", "imix-npair", of_peer(imix(), at_once, False), typed),
        Pair(f"ts3l {version('ts3l')}", "scarf", "scarf", ts3l, f"{network}; its loss is NT-Xent, ours N-pair"),
        Pair(f"ts3l {version('ts3l')}", "scarf, both NT-Xent", "scarf, NT-Xent", ts3l, network),
    ]


def image_pair(fit: Fit) -> Pair:
    """Return lightly's SimCLR with its own transform at the recipe's strengths, on images in memory."""
    from lightly.loss import NTXentLoss
    from lightly.transforms import SimCLRTransform
    from PIL import Image

    pixels = fit.x.permute(0, 2, 3, 1).contiguous().numpy()
    transform = SimCLRTransform(input_size=32, cj_strength=0.5, min_scale=0.2, gaussian_blur=0.0, normalize=None)
    data = loops.Transformed(pixels, lambda image: transform(Image.fromarray(image)))
    step = loops.of_pairs(model_of(fit), NTXentLoss(fit.recipe.method.temperature))
    candidate = of_peer(step, lambda workers: loops.loaded(data, fit.plan.batch_size, workers))
    return Pair(f"lightly {version('lightly')}", "simclr, images", "images", candidate, "crop, flip, jitter, grey")


if __name__ == "__main__":
    main()
