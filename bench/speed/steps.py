"""Measure a training step, compared with the bare passes of the same networks on the same rows.

python -m bench.speed.steps [--domains table image graph] [--rounds 9]

Measures every method x noise x i-Mix with each domain's default encoder, width and batch. The bare pass is what no
implementation can leave out: the networks' passes over both views (the momentum network's without gradient), backward
from a sum, and the optimizer's step. Each round times one bare pass and one complete step, one after the other; the
share is the median of their ratios over rounds. The queue's product with the queries is part of MoCo's loss: the last
column, ``beside_loss``, is the ratio to the bare pass plus the loss of such vectors alone, forward and backward.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from itertools import product
from statistics import median
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from torch import Tensor
from torch.nn.functional import normalize

from contramix.datasets import COVTYPE
from contramix.domains import DOMAINS
from contramix.methods import METHODS
from contramix.methods.byol import BYOL
from contramix.methods.losses import info_nce
from contramix.methods.simsiam import SimSiam
from contramix.models.pretraining import Fit, learn_spec
from contramix.recipe import Recipe
from contramix.runtime.memory import keep_freed_memory
from contramix.samples.samples import Batch
from contramix.types import Targets, concatenate

METHOD_NAMES = [name for name in METHODS if name != "infograph"]
NOISES: dict[str, dict[str, Any]] = {
    "none": {"kind": "none"},
    "augment": {"kind": "augment"},
    "marginal": {"kind": "marginal"},
    "drop": {"kind": "drop"},
    "gaussian": {"kind": "gaussian"},
    "inputmix": {"kind": "inputmix"},
    "dacl": {"kind": "mixup"},
    "dacl-plus": {"kind": "mixup", "operators": ["linear", "geometric", "binary"]},
}
OF_DOMAIN = {
    "table": ["none", "marginal", "drop", "gaussian", "inputmix", "dacl", "dacl-plus"],
    "image": ["none", "augment", "gaussian", "inputmix", "dacl"],
    "graph": ["none", "gaussian", "inputmix", "dacl"],
}
IMIX = ("", "i-mix")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--domains", nargs="+", default=list(OF_DOMAIN), choices=list(OF_DOMAIN))
    parser.add_argument("--precision", default="float32", choices=["float32", "bfloat16"])
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    keep_freed_memory()  # as the command line does
    print(f"{torch.get_num_threads()} threads, torch {torch.__version__}")
    for domain in options.domains:
        for row in measure(domain, options.precision, options.rounds):
            name = f"{row['domain']:6} {row['method']:8} {row['noise']:10} {row['imix']:6}"
            print(f"{name} {row['bare_ms']:8.1f} {row['step_ms']:8.1f} {row['share']:6.3f} {row['beside_loss']:6.3f}")


def measure(domain: str, precision: str, rounds: int) -> Iterator[dict[str, Any]]:
    """Yield a row for each method, noise and i-Mix of a domain."""
    samples = SAMPLES[domain]()
    names = product(METHOD_NAMES, OF_DOMAIN[domain], IMIX)
    for method, noise, imix in names:
        named = {"domain": domain, "method": method, "noise": noise, "imix": imix}
        yield named | point(samples, method, noise, imix, precision, rounds)


def point(
    samples: tuple[Any, Batch], method: str, noise: str, imix: str, precision: str, rounds: int
) -> dict[str, float]:
    """Return the milliseconds and ratios of one method, noise and i-Mix."""
    spec, x = samples
    domain = spec.domain
    terms: dict[str, Any] = {"method.kind": method, "noise": NOISES[noise], "train.epochs": 1000}
    terms |= {"imix": {"operator": "linear"}} if imix else {}
    terms |= {"train.precision": precision}
    complete = Fit.begin(Recipe.load("npair", terms, domain), spec, x, seed=0, device="cpu")
    still = Fit.begin(Recipe.load("npair", terms | {"train.lr": 1e-12}, domain), spec, x, seed=0, device="cpu")
    steps = complete.steps()
    bare, loss = bare_step(still), loss_alone(still, 2 if imix else 1)
    rows = torch.randperm(len(x))[: complete.plan.batch_size]
    times = []
    for turn in range(rounds + 2):
        each = timed(lambda: bare(rows)), timed(lambda: next(steps)), timed(loss)
        if turn >= 2:
            times.append(each)
    return {
        "bare_ms": median(b for b, _, _ in times),
        "step_ms": median(s for _, s, _ in times),
        "share": median(s / b for b, s, _ in times),
        "beside_loss": median(s / (b + m) for b, s, m in times),
    }


def timed(call: Callable[[], object]) -> float:
    """Return the wall-clock milliseconds of a call."""
    began = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - began)


def bare_step(fit: Fit) -> Callable[[Tensor], None]:
    """Return a call that runs the passes that the method needs, backward from a sum, and the optimizer's step."""
    term, optimizer = fit.state.objective.summands[0], fit.state.optimizer
    method, cut = term.method, term.noise_cuts[0]
    networks = [method.online] if method.target is method.online else [method.online, method.target]
    predictor = getattr(method, "predictor", None)
    fit.state.objective.train()
    half = fit.recipe.train.precision == "bfloat16"

    def passes(batch: Batch) -> Tensor:
        views = 2 if len(networks) == 1 or method.symmetric else 1
        views *= 2 if method.all_views_are_keys and term.imix else 1  # mixed queries and clean keys
        for network in networks[::-1]:
            with torch.set_grad_enabled(network is method.online):
                x = network.encoder.run(network.encoder.front(batch), stop=cut)
                z = network(concatenate([x] * views), cut)
        return z.sum() if predictor is None else predictor(z).sum()

    def step(rows: Tensor) -> None:
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(fit.x.device.type, torch.bfloat16, enabled=half):
            out = passes(fit.x[rows])
        out.backward()
        optimizer.step()

    return step


def loss_alone(fit: Fit, entries: int) -> Callable[[], None]:
    """Return a call that runs the method's loss, forward and backward; it does nothing for BYOL and SimSiam."""
    method, n = fit.state.objective.summands[0].method, fit.plan.batch_size
    width = fit.recipe.method.projector.out
    if isinstance(fit.recipe.method, BYOL | SimSiam):
        return lambda: None
    both_are_keys, queue = method.all_views_are_keys, getattr(method, "queue", None)
    query, key = (normalize(torch.randn(n * (2 if both_are_keys else 1), width), dim=1) for _ in range(2))
    query.requires_grad_()
    key.requires_grad_(queue is None)
    weight = torch.full((len(query), entries), 1 / entries)
    targets = Targets(torch.randint(len(query), (len(query), entries)), weight)
    exclude = (targets.index + n) % len(key) if both_are_keys else None
    return lambda: info_nce(query, key, targets, 0.2, queue=queue, exclude=exclude).backward()


def tables() -> tuple[Any, Batch]:
    """Return the specification and samples of the CovType rows of the package."""
    table = pq.read_table(COVTYPE / "train.parquet")
    return samples_of("table", table, table.column_names[-1])


def images() -> tuple[Any, Batch]:
    """Return the specification and samples of 2,048 random images of 32 x 32 pixels."""
    pixels = np.random.default_rng(0).integers(0, 256, (2048, 32, 32, 3), dtype=np.uint8)
    return samples_of("image", DOMAINS["image"].from_values(pixels, Recipe.load("npair", domain="image").data).table)


def graphs() -> tuple[Any, Batch]:
    """Return the specification and samples of 1,000 graphs with 20 nodes and 97 edges on average, as IMDB-BINARY."""
    import networkx

    made = [networkx.gnp_random_graph(12 + n % 17, 0.5, seed=n) for n in range(1000)]
    return samples_of("graph", DOMAINS["graph"].from_values(made, Recipe.load("npair", domain="graph").data).table)


def samples_of(domain: str, table: pa.Table, target: str | None = None) -> tuple[Any, Batch]:
    """Return the specification that is learned from a table, and its rows as samples."""
    spec, _ = learn_spec(table, Recipe.load("npair", domain=domain), target)
    return spec, spec.tensorize(table)


SAMPLES = {"table": tables, "image": images, "graph": graphs}


if __name__ == "__main__":
    main()
