"""Learn to predict a target from few labeled rows, with raw features and representations side by side."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from jaxtyping import Int, Shaped
from numpy import ndarray

from contramix.domains import Spec
from contramix.models.fine_tuned import FineTunedModel
from contramix.models.finetune_settings import DEFAULT, FEW_ROWS, FineTune
from contramix.models.finetuning import fine_tune
from contramix.models.predictor import Predictor
from contramix.models.pretrained import Pretrained
from contramix.models.pretraining import learn_spec
from contramix.predictors.blend import REPRESENTATION, Part, fit_blend
from contramix.predictors.blend_model import BlendModel, compute_blocks
from contramix.predictors.domain_features import BLOCKS
from contramix.predictors.labeled_rows import Targets
from contramix.recipe import Recipe
from contramix.training.reporter import SILENT, Reporter, StepsOnly

COMMON_FEATURES = {"image": "pixels", "audio": "logmel", "text": "terms", "series": "rocket"}
"""Block of the usual features that need no encoder, by the data domains whose models on them are linear."""
PLAIN_PARTS: dict[str, list[Part]] = {
    "table": [
        Part("linear", ("raw",), 0.15),
        Part("linear", ("raw-quantile",), 0.15),
        Part("forest", ("raw",), 0.3),
        Part("extra-trees", ("raw",), 0.25),
        Part("boosting", ("raw",), 0.15),
    ],
    "graph": [Part("linear", ("raw",), 0.6), Part("forest", ("raw",), 0.4)],
    "vectors": [Part("linear", ("raw",), 1.0)],
    **{
        domain: [Part("least-squares", (block,), 0.6), Part("linear", (block,), 0.4)]
        for domain, block in COMMON_FEATURES.items()
    },
}
"""Parts of the blend on features that need no encoder, by what :func:`kind_of_data` returns. Their weights sum to 1."""
LEARNED_PARTS: dict[str, list[Part]] = {
    "table": [Part("linear", (REPRESENTATION,), 0.5), Part("forest", ("raw", REPRESENTATION), 0.5)],
    "graph": [Part("linear", (REPRESENTATION,), 0.4), Part("linear", ("raw", REPRESENTATION), 0.6)],
    "vectors": [Part("linear", (REPRESENTATION,), 1.0)],
    **{
        domain: [Part("linear", (REPRESENTATION,), 0.5), Part("least-squares", (block, REPRESENTATION), 0.5)]
        for domain, block in COMMON_FEATURES.items()
    },
}
"""Parts of the blend on the representation of an encoder, by kind of data. Their weights sum to 1."""
STATISTICS_ROWS = 20_000
"""Maximum number of unlabeled rows from which statistics of features are computed."""
ENCODINGS = {"raw": "standard", "raw-quantile": "quantile"}
"""Blocks of raw features of a table, and the value of ``table.numeric`` that each of them is encoded with."""
Head = Literal["auto", "linear", "finetune"]
HEADS = ("auto", "linear", "finetune")
"""What can be learned from labels; see :func:`fit_predictor`."""
MAX_LABELED = 20_000
"""Maximum number of labeled rows from which a blend learns."""
COMPARED = 6000
"""Maximum number of labeled rows on which a blend is compared with fine-tuning."""


def kind_of_data(spec: Spec) -> str:
    """Return the domain of the data; for tables whose only inputs are vectors, such as embeddings, ``"vectors"``."""
    inputs = {kind for kind, names in spec.kinds.items() if names}
    return "vectors" if spec.domain == "table" and inputs == {"embedding"} else spec.domain


def default_recipes(kind: str) -> list[tuple[str, dict[str, Any]]]:
    """Return the recipes, with changed settings, of the encoders that a few-label predictor uses by default.

    Tables have two encoders: numbers are standardized for the first, and become normal quantiles for the second.
    Vectors have three, of different recipes. ``kind`` is what :func:`kind_of_data` returns.

    Examples
    --------
    >>> default_recipes("table")
    [('npair', {}), ('npair', {'table.numeric': 'quantile'})]
    """
    further: dict[str, list[tuple[str, dict[str, Any]]]] = {
        "table": [("npair", {"table.numeric": "quantile"})],
        "vectors": [("imix-npair", {}), ("dacl-plus", {})],
    }
    return [("npair", {}), *further.get(kind, [])]


def choose_parts(kind: str, encoders: int) -> list[Part]:
    """Return the parts of the blend for a kind of data (see :func:`kind_of_data`) and a number of encoders.

    Plain parts are models on features that need no encoder. For each encoder there are models on its representation,
    alone and together with features that need no encoder. ``docs/findings/0034`` tells how they were chosen.
    """
    learned = []
    for part in LEARNED_PARTS[kind]:
        for number in range(encoders):
            blocks = (f"{name}.{number}" if name == REPRESENTATION else name for name in part.blocks)
            learned.append(part._replace(blocks=tuple(blocks), prior=part.prior / encoders))
    return [*PLAIN_PARTS[kind], *learned]


def linear_parts(encoders: int) -> list[Part]:
    """Return the parts of a blend of linear models on the representations of the encoders, without raw features."""
    return [Part("linear", (f"{REPRESENTATION}.{number}",), 1 / encoders) for number in range(encoders)]


def fit_predictor(
    encoders: Sequence[Pretrained],
    table: pa.Table,
    rows: Int[ndarray, " n"],
    targets: Targets,
    labels: Shaped[ndarray, " C"],
    head: Head = "auto",
    settings: FineTune = DEFAULT,
    *,
    seed: int = 0,
    device: str = "auto",
    reporter: Reporter = SILENT,
) -> Predictor:
    """Learn to predict a target from labeled rows, with pre-trained encoders.

    Parameters
    ----------
    encoders, table, rows, targets, labels, seed
        As in :func:`fit_few_labels`. All weights are fine-tuned of the first encoder only.
    head
        What is learned: ``"linear"`` (a linear model on frozen representations), ``"finetune"`` (all weights), or
        ``"auto"``: with fewer than 1,000 labeled rows a blend, with more the better of a blend and fine-tuning.
    settings, device, reporter
        Settings of fine-tuning, the device on which it runs, and the object that receives its progress.

    Raises
    ------
    InputError
        If rows cannot be used.
    RunError
        If the loss of fine-tuning is not finite.
    """
    chosen: str = head
    if head == "auto":
        few = len(rows) < FEW_ROWS
        chosen = "blend" if few else choose_head(encoders, table, rows, targets, settings, seed, device, reporter)
    if chosen != "finetune":
        parts = linear_parts(len(encoders)) if chosen == "linear" else None
        return fit_few_labels(encoders, table, rows, targets, labels, seed, parts)
    first = encoders[0]
    x = first.spec.tensorize(table.take(pa.array(rows)))
    network = fine_tune(
        first.encoder, x, targets.y, targets.task, settings, seed=seed, device=device, reporter=reporter
    )
    network.facts["training_score"] = network.score(x, targets.y)
    return FineTunedModel.from_network(first, network, labels, shares=targets.class_shares)


def choose_head(
    encoders: Sequence[Pretrained],
    table: pa.Table,
    rows: Int[ndarray, " n"],
    targets: Targets,
    settings: FineTune,
    seed: int,
    device: str,
    reporter: Reporter = SILENT,
) -> Literal["blend", "finetune"]:
    """Compare a blend with fine-tuning the first encoder on held-out labeled rows, and return the better one.

    A fifth of the labeled rows is held out, of at most 6,000. Both learn from the others. Ties go to the blend.

    Parameters
    ----------
    encoders, table, rows, targets, seed
        As in :func:`fit_few_labels`.
    settings, device, reporter
        Settings of fine-tuning, name of the device on which it runs, and the object that receives its progress.
    """
    some = np.random.default_rng(seed).permutation(len(rows))[:COMPARED]
    held, used = np.split(some, [len(some) // 5])
    if targets.task.classes and len(np.unique(targets.y[used])) < 2:
        return "blend"
    first, truth = encoders[0], targets.take(held)
    held_table, used_table = (table.take(pa.array(rows[part])) for part in (held, used))
    blend = fit_few_labels(encoders, table, rows[used], targets.take(used), np.array(targets.task.classes), seed)
    network = fine_tune(
        first.encoder,
        first.spec.tensorize(used_table),
        targets.y[used],
        targets.task,
        settings,
        seed=seed,
        device=device,
        reporter=StepsOnly(reporter, "comparing fine-tuning with a blend"),
    )
    found = blend.scores(held_table), network.scores(first.spec.tensorize(held_table))
    losses = [truth.loss(scores.reshape(1, len(held), -1)) for scores in found]
    return "finetune" if losses[1] < losses[0] else "blend"


def fit_few_labels(
    encoders: Sequence[Pretrained],
    table: pa.Table,
    rows: Int[ndarray, " n"],
    targets: Targets,
    labels: Shaped[ndarray, " C"],
    seed: int,
    parts: Sequence[Part] | None = None,
) -> BlendModel:
    """Fit a blend of models on raw features and on the representations of frozen encoders.

    Parameters
    ----------
    encoders
        Pre-trained models of the same domain. They are not changed.
    table
        All training rows, labeled or not. Features are standardized with their statistics, or with those of 20,000 of
        them and of the labeled rows.
    rows, targets
        Row numbers of the labeled rows, and their targets in the same order. Of more than 20,000 labeled rows, a random
        20,000 are used.
    labels
        Classes as values of the target column's type, in the order of ``targets.task.classes``; empty for a numeric
        target.
    seed
        Seed of all random choices.
    parts
        Parts of the blend; None: those that :func:`choose_parts` returns.
    """
    first = encoders[0]
    parts = choose_parts(kind_of_data(first.spec), len(encoders)) if parts is None else parts
    raw = raw_specs(encoders, table, parts, targets.task.target)
    if len(rows) > MAX_LABELED:
        kept = np.sort(np.random.default_rng(seed).permutation(len(rows))[:MAX_LABELED])
        rows, targets = rows[kept], targets.take(kept)
    some = np.union1d(rows, np.arange(table.num_rows)[:: -(-table.num_rows // STATISTICS_ROWS)])
    features = compute_blocks(encoders, raw, table.take(pa.array(some)))
    blend = fit_blend(targets, features, np.searchsorted(some, rows), parts, seed)
    facts = {
        **first.facts,
        "blend": {
            "labelled_rows": len(rows),
            "weights": [round(float(w), 4) for w in blend.weights],
            "validation_score": blend.validation_score,
        },
    }
    known = (first.recipe, first.spec, first.encoder, facts)
    others = tuple(encoders[1:])
    return BlendModel(*known, labels=labels, shares=targets.class_shares, others=others, raw=raw, blend=blend)


def raw_specs(encoders: Sequence[Pretrained], table: pa.Table, parts: Sequence[Part], target: str) -> dict[str, Spec]:
    """Return the specifications of the blocks of features that some parts need and that no encoder computes.

    A specification is that of an encoder, or is learned from the encoder's columns of the table.

    Parameters
    ----------
    encoders, table, parts
        As in :func:`fit_few_labels`.
    target
        Name of the column to predict, which is no feature.
    """
    first = encoders[0]
    needed = dict.fromkeys(block for part in parts for block in part.blocks if block in BLOCKS)
    if first.recipe.domain != "table":
        return dict.fromkeys(needed, first.spec)
    inputs = [name for names in first.spec.kinds.values() for name in names if name != target]
    found: dict[str, Spec] = {}
    for name in needed:
        known = [model.spec for model in encoders if getattr(model.recipe.data, "numeric", None) == ENCODINGS[name]]
        found[name] = known[0] if known else _learn_encoding(first.recipe, table.select(inputs), ENCODINGS[name])
    return found


def _learn_encoding(recipe: Recipe, inputs: pa.Table, numeric: str) -> Spec:
    """Return the specification of a table of input columns whose numbers are encoded as ``numeric`` names it."""
    names = [name for name in getattr(recipe.data, "categorical", ()) if name in inputs.column_names]
    return learn_spec(
        inputs, Recipe.load(recipe, {"table.numeric": numeric, "table.drop": [], "table.categorical": names})
    )[0]
