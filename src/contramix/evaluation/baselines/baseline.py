"""Define what a baseline is, and what it is made from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import torch
from jaxtyping import Float32
from numpy import ndarray

from contramix.domains import Spec
from contramix.evaluation.candidates import Candidate
from contramix.evaluation.features import raw_features
from contramix.models.labeled_records import LabeledRecords
from contramix.recipe import Recipe
from contramix.samples.samples import Samples
from contramix.training.reporter import SILENT, Reporter


class EvaluationRecords(NamedTuple):
    """Hold all records of a comparison without their targets, those of the official test split last."""

    spec: Spec
    content: pa.ChunkedArray | None
    """Input column as it was read, such as texts or graphs; None for tables."""
    x: Samples


@dataclass
class BaselineInputs:
    """Hold what baselines are made from.

    Parameters
    ----------
    data
        Labeled records. A baseline learns from targets only through the problems that its candidates are given.
    recipe
        Recipe that the baselines are compared with; encoders are built from it.
    probes
        Names of the probes for baselines that are features.
    device
        Device on which networks are trained and applied.
    seed
        Seed of the pre-training that is evaluated.
    folder
        Folder for models that a baseline pre-trains, which a later call reuses; None for a temporary folder.
    reporter
        Receives the progress of pre-training.
    """

    data: LabeledRecords
    recipe: Recipe
    probes: Sequence[str]
    device: torch.device
    seed: int = 0
    folder: Path | None = None
    reporter: Reporter = SILENT

    @property
    def records(self) -> EvaluationRecords:
        """Return the records without their targets."""
        return EvaluationRecords(self.data.spec, self.data.content, self.data.x)

    @cached_property
    def raw(self) -> Float32[ndarray, " n d"]:
        """Return the raw features of all records; several baselines share them."""
        return raw_features(self.data.spec, self.data.x)


@dataclass(frozen=True)
class Baseline:
    """Describe a baseline: its names in the output, and how its candidates are made.

    Parameters
    ----------
    name
        Name in options, reports and tables.
    phrase
        What it is, in a few words.
    plural
        What it is, as the plural subject of a sentence in a verdict.
    make
        Function that returns the candidates of the baseline: one for each probe if it is features, else one.
    recipe
        For a baseline that is pre-trained, the function from the recipe that is compared to the recipe of the baseline.
    needs_new_encoder
        Whether it builds an encoder from the recipe, which is not possible for a user's own module.
    row_label
        Label of its row in a table; None for the name.
    uses_probe
        Whether its predictions are those of a probe; else a table shows them in the column of the first probe.
    """

    name: str
    phrase: str
    plural: str
    make: Callable[[BaselineInputs], list[Candidate]]
    recipe: Callable[[Recipe], Recipe] | None = None
    needs_new_encoder: bool = False
    row_label: str | None = None
    uses_probe: bool = True
