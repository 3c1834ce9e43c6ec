"""Measure a DACL step on graphs, compared with the bare forward and backward pass of the same network.

python -m bench.speed.graph_step --data-dir DIR/tu

Batches hold 128 graphs of IMDB-BINARY. Each round times, one after the other: the pass of the GIN; that of GIN and
projector, which every step needs on both views; the same with the optimizer's step; and a complete training step.
Ratios are medians over rounds, of wall-clock time in one run. It also times taking a batch, and aggregation by a sparse
product compared with index_add over edges, as PyTorch Geometric does it.
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
    """Print the times of one width and of its parts."""
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

    def both() -> None:
        optimizer.zero_grad(set_to_none=True)
        z = encoder(fit.x[rows])
        head(torch.cat([z, z])).sum().backward()

    def moved() -> None:
        both()
        optimizer.step()

    def edge_by_edge() -> None:
        batch = fit.x[rows]
        h = torch.ones(len(batch.x), width, requires_grad=True)
        torch.zeros(len(batch.x), width).index_add(0, batch.edges[1], h[batch.edges[0]]).sum().backward()

    def sparse() -> None:
        batch = fit.x[rows]
        batch.sum_predecessors(torch.ones(len(batch.x), width, requires_grad=True)).sum().backward()

    calls: list[Callable[[], object]] = [gin, both, moved, lambda: next(steps)]
    calls += [lambda: fit.x[rows], sparse, edge_by_edge]
    times: list[list[float]] = [[] for _ in calls]
    for _ in range(ROUNDS):
        for call, taken in zip(calls, times):
            began = time.perf_counter()
            call()
            taken.append(1e3 * (time.perf_counter() - began))
    ms = [median(taken) for taken in times]
    per_both, per_gin = (median(s / b for s, b in zip(times[3], times[n])) for n in (1, 0))
    print(f"width {width:<18} {ms[0]:8.1f} {ms[1]:8.1f} {ms[2]:8.1f} {ms[3]:8.1f} {per_both:20.2f} {per_gin:11.2f}")
    print(f"  taking a batch {ms[4]:.1f}, one aggregation with its gradient {ms[5]:.1f}, edge by edge {ms[6]:.1f}")


if __name__ == "__main__":
    main()
