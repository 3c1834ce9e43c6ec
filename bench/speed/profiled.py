"""Measure where the time of a training step goes.

python -m bench.speed.profiled

Profiles steps in float32 of each domain's default encoder and noise with i-Mix, for each method, with torch's profiler.
The time of each operation, without the operations that it calls, is added to the group that the operation serves. The
profiler itself takes some time, which counts as ``rest``.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from torch.profiler import ProfilerActivity, profile

from bench.speed.steps import METHOD_NAMES, SAMPLES
from contramix.models.pretraining import Fit
from contramix.recipe import Recipe
from contramix.runtime.memory import keep_freed_memory

WARM, STEPS = 3, 10
GROUPS = {
    "products": ("mm", "convolution", "sparse", "index_add", "segment_reduce"),
    "norm_and_activation": ("batch_norm", "threshold", "clamp_min", "relu"),
    "batch_and_noise": ("aten::index", "rand", "sort", "gather", "grid_sampler", "lerp", "where"),
}
"""Group of an operation, by parts of its name; the first match counts."""
WITHIN = {"MeanLogSumExp": "loss", "Optimizer.step": "optimizer"}
"""Group of all operations that are called within an operation of this name."""
COLUMNS = ("products", "norm_and_activation", "loss", "optimizer", "batch_and_noise", "rest")


def main() -> None:
    keep_freed_memory()
    for row in measure():
        print("  ".join(f"{k} {v:.3g}" if isinstance(v, float) else str(v) for k, v in row.items()))


def measure() -> Iterator[dict[str, Any]]:
    """Yield the milliseconds of a step and the share of each group, for each domain and method."""
    for domain, make in SAMPLES.items():
        spec, x = make()
        for method in METHOD_NAMES:
            terms: dict[str, Any] = {"method.kind": method, "train.precision": "float32", "train.epochs": 1000}
            fit = Fit.begin(Recipe.load("imix-npair", terms, domain), spec, x, seed=0, device="cpu")
            yield {"domain": domain, "method": method} | shares(fit)


def shares(fit: Fit) -> dict[str, float]:
    """Return the milliseconds of a step and the share of each group, after some steps to warm up."""
    steps = fit.steps()
    for _ in range(WARM):
        next(steps)
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        for _ in range(STEPS):
            next(steps)
    time: Counter[str] = Counter()
    for event in profiler.events():
        time[group_of(event)] += event.self_cpu_time_total
    total = sum(time.values())
    return {"ms": total / 1000 / STEPS} | {name: time[name] / total for name in COLUMNS}


def group_of(event: Any) -> str:
    """Return the group of a profiled operation."""
    caller = event
    while caller is not None:
        found = next((group for part, group in WITHIN.items() if part in caller.name), None)
        if found:
            return found
        caller = caller.cpu_parent
    return next((group for group, parts in GROUPS.items() if any(part in event.name for part in parts)), "rest")


if __name__ == "__main__":
    main()
