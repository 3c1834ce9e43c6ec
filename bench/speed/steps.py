"""What a training step costs beside the bare pass of the same networks on the same rows.

python -m bench.speed.steps [--domains table image graph] [--rounds 9]

Each domain's default encoder, width and batch; every method x noise x i-Mix. Bare is what no implementation can leave
out: the networks' passes over both views (and the momentum network's, which gets no gradient), backward from a sum, and
the optimiser's step. Each round times one bare pass and one whole step, one after the other, so that a share is of two
times that lie side by side; given is the median of the rounds' shares. A queue's product with the queries is part of
MoCo's loss: the last column is the share beside bare and the loss of the same vectors, forward and backward.
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
from contramix.types import Targets, joined

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
    asked = parser.parse_args()
    keep_freed_memory()  # as the command line does
    print(f"{torch.get_num_threads()} threads, torch {torch.__version__}")
    for domain in asked.domains:
        for row in measure(domain, asked.precision, asked.rounds):
            name = f"{row['domain']:6} {row['method']:8} {row['noise']:10} {row['imix']:6}"
            print(f"{name} {row['bare_ms']:8.1f} {row['step_ms']:8.1f} {row['share']:6.3f} {row['beside_loss']:6.3f}")


def measure(domain: str, precision: str, rounds: int) -> Iterator[dict[str, Any]]:
    """A row for each point of the product."""
    samples = SAMPLES[domain]()
    names = product(METHOD_NAMES, OF_DOMAIN[domain], IMIX)
    for method, noise, imix in names:
        named = {"domain": domain, "method": method, "noise": noise, "imix": imix}
        yield named | point(samples, method, noise, imix, precision, rounds)


def point(
    samples: tuple[Any, Batch], method: str, noise: str, imix: str, precision: str, rounds: int
) -> dict[str, float]:
    """Milliseconds and shares of one method, noise and i-Mix."""
    spec, x = samples
    domain = spec.domain
    terms: dict[str, Any] = {"method.kind": method, "noise": NOISES[noise], "train.epochs": 1000}
    terms |= {"imix": {"operator": "linear"}} if imix else {}
    terms |= {"train.precision": precision}
    whole = Fit.begin(Recipe.load("npair", terms, domain), spec, x, seed=0, device="cpu")
    still = Fit.begin(Recipe.load("npair", terms | {"train.lr": 1e-12}, domain), spec, x, seed=0, device="cpu")
    steps = whole.steps()
    bare, loss = bare_step(still), loss_alone(still, 2 if imix else 1)
    rows = torch.randperm(len(x))[: whole.plan.batch_size]
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
    """Milliseconds on the clock."""
    began = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - began)


def bare_step(fit: Fit) -> Callable[[Tensor], None]:
    """The passes that the method needs, backward from a sum, and the optimiser's step."""
    term, optimizer = fit.state.objective.summands[0], fit.state.optimizer
    method, cut = term.method, term.noise_cuts[0]
    networks = [method.online] if method.target is method.online else [method.online, method.target]
    predictor = getattr(method, "predictor", None)
    fit.state.objective.train()
    half = fit.recipe.train.precision == "bfloat16"

    def passes(batch: Batch) -> Tensor:
        views = 2 if len(networks) == 1 or method.symmetric else 1
        views *= 2 if method.mutual and term.imix else 1  # mixed queries beside clean keys
        for network in networks[::-1]:
            with torch.set_grad_enabled(network is method.online):
                x = network.encoder.run(network.encoder.front(batch), stop=cut)
                z = network(joined([x] * views), cut)
        return z.sum() if predictor is None else predictor(z).sum()

    def step(rows: Tensor) -> None:
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(fit.x.device.type, torch.bfloat16, enabled=half):
            out = passes(fit.x[rows])
        out.backward()
        optimizer.step()

    return step


def loss_alone(fit: Fit, entries: int) -> Callable[[], None]:
    """The method's loss of vectors of such sizes, forward and backward; nothing for methods without negatives."""
    method, n = fit.state.objective.summands[0].method, fit.plan.batch_size
    width = fit.recipe.method.projector.out
    if isinstance(fit.recipe.method, BYOL | SimSiam):
        return lambda: None
    mutual, queue = method.mutual, getattr(method, "queue", None)
    query, key = (normalize(torch.randn(n * (2 if mutual else 1), width), dim=1) for _ in range(2))
    query.requires_grad_()
    key.requires_grad_(queue is None)
    weight = torch.full((len(query), entries), 1 / entries)
    targets = Targets(torch.randint(len(query), (len(query), entries)), weight)
    exclude = (targets.index + n) % len(key) if mutual else None
    return lambda: info_nce(query, key, targets, 0.2, queue=queue, exclude=exclude).backward()


def tables() -> tuple[Any, Batch]:
    """The rows of CovType that ship with the package."""
    table = pq.read_table(COVTYPE / "train.parquet")
    return described("table", table, table.column_names[-1])


def images() -> tuple[Any, Batch]:
    """2,048 pictures of 32 x 32, of noise."""
    pixels = np.random.default_rng(0).integers(0, 256, (2048, 32, 32, 3), dtype=np.uint8)
    return described("image", DOMAINS["image"].from_values(pixels, Recipe.load("npair", domain="image").data).table)


def graphs() -> tuple[Any, Batch]:
    """1,000 graphs of the size of IMDB-BINARY's: 20 nodes, 97 edges each in the mean."""
    import networkx

    made = [networkx.gnp_random_graph(12 + n % 17, 0.5, seed=n) for n in range(1000)]
    return described("graph", DOMAINS["graph"].from_values(made, Recipe.load("npair", domain="graph").data).table)


def described(domain: str, table: pa.Table, target: str | None = None) -> tuple[Any, Batch]:
    """What was learned of rows, and the rows as samples."""
    spec, _ = learn_spec(table, Recipe.load("npair", domain=domain), target)
    return spec, spec.tensorize(table)


SAMPLES = {"table": tables, "image": images, "graph": graphs}


if __name__ == "__main__":
    main()
