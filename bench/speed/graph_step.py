"""What a DACL step on graphs costs beside the bare forward and backward pass of the same network on the same batch.

python -m bench.speed.graph_step --data-dir DIR/tu

Batches of 128 graphs of IMDB-BINARY. Each round times, one after the other: the GIN's pass, the pass of GIN and head
(the head on both views of each graph, as every step needs it), the same with the optimiser's step, and a whole step.
Shares are medians over rounds, of wall-clock time in one run. Also: taking a batch, and the aggregation by a sparse
product beside PyTorch Geometric's way, a number an edge.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import torch

from contramix.domains import DOMAINS
from contramix.io.options import ReadOptions
from contramix.models.pretraining import Fit, learn_spec
from contramix.recipe import Recipe

ROUNDS = 15


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", type=Path, required=True)
    data = parser.parse_args().data_dir
    print(f"{torch.get_num_threads()} threads, torch {torch.__version__}")
    print(
        f"{'ms':24} {'GIN':>8} {'+ head':>8} {'+ Adam':>8} {'step':>8} {'step / (GIN + head)':>20} {'step / GIN':>11}"
    )
    for width in (128, 512):
        report(width, data / "IMDB-BINARY.zip")


def report(width: int, path: Path) -> None:
    """A line for a width, and what parts of it cost."""
    overrides = {"encoder.width": width, "graph.features": "ones", "train.batch_size": 128, "train.epochs": 100}
    recipe = Recipe.load("dacl-mutag", overrides)
    table = DOMAINS["graph"].read(path, ReadOptions(), recipe.data).table
    spec, _ = learn_spec(table, recipe, "label")
    fit = Fit.begin(recipe, spec, spec.tensorize(table), seed=0)
    encoder, optimizer = fit.encoder, fit.state.optimizer
    head = fit.state.objective.summands[0].method.online.projector
    rows = torch.randperm(len(fit.x))[:128]
    steps = iter(fit.steps())
    next(steps)

    def gin() -> None:
        optimizer.zero_grad(set_to_none=True)
        encoder(fit.x[rows]).sum().backward()

    def whole() -> None:
        optimizer.zero_grad(set_to_none=True)
        z = encoder(fit.x[rows])
        head(torch.cat([z, z])).sum().backward()

    def moved() -> None:
        whole()
        optimizer.step()

    def edge_by_edge() -> None:
        batch = fit.x[rows]
        h = torch.ones(len(batch.x), width, requires_grad=True)
        torch.zeros(len(batch.x), width).index_add(0, batch.edges[1], h[batch.edges[0]]).sum().backward()

    def sparse() -> None:
        batch = fit.x[rows]
        batch.gathered(torch.ones(len(batch.x), width, requires_grad=True)).sum().backward()

    calls: list[Callable[[], object]] = [gin, whole, moved, lambda: next(steps)]
    calls += [lambda: fit.x[rows], sparse, edge_by_edge]
    times: list[list[float]] = [[] for _ in calls]
    for _ in range(ROUNDS):
        for call, taken in zip(calls, times):
            began = time.perf_counter()
            call()
            taken.append(1e3 * (time.perf_counter() - began))
    ms = [median(taken) for taken in times]
    over, alone = (median(s / b for s, b in zip(times[3], times[n])) for n in (1, 0))
    print(f"width {width:<18} {ms[0]:8.1f} {ms[1]:8.1f} {ms[2]:8.1f} {ms[3]:8.1f} {over:20.2f} {alone:11.2f}")
    print(f"  taking a batch {ms[4]:.1f}, one aggregation with its gradient {ms[5]:.1f}, edge by edge {ms[6]:.1f}")


if __name__ == "__main__":
    main()
