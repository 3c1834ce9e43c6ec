"""Define the type of a baseline, and the inputs from which baselines are built."""

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
from contramix.models.labeled_records import LabeledRecords
from contramix.predictors.feature_rows import raw_features
from contramix.recipe import Recipe
from contramix.samples.samples import Samples
from contramix.training.reporter import SILENT, Reporter


class EvaluationRecords(NamedTuple):
    """Store the records of a comparison without their targets; records of an official test split come last.

    Parameters
    ----------
    spec
        Specification that converted the input columns to samples.
    content
        Input column as it was read, such as texts or graphs; None for tables.
    x
        Records as samples, the inputs of an encoder.
    """

    spec: Spec
    content: pa.ChunkedArray | None
    x: Samples


@dataclass
class BaselineInputs:
    """Collect the data and settings from which baselines are built.

    Parameters
    ----------
    data
        Labeled records. Features must not be computed from their targets: a candidate receives the targets of the
        training rows later, in each prediction problem.
    recipe
        Recipe that the baselines are compared with. Baselines that need an encoder build it from this recipe.
    probes
        Names of the probes to apply to baselines that compute features.
    device
        Device on which networks are trained and applied.
    seed
        Seed with which the evaluated model was pre-trained, and with which a baseline pre-trains its own.
    folder
        Folder for models that a baseline pre-trains and that later calls reuse; None for a temporary folder.
    reporter
        Object that receives the progress of pre-training.
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
        """Return the raw features of all records, which are computed once and shared by several baselines."""
        return raw_features(self.data.spec, self.data.x)

    @property
    def vectors(self) -> Float32[ndarray, " n d"] | None:
        """Return the vectors of all records if the recipe has a backbone, else None."""
        return None if self.recipe.backbone is None else self.raw


@dataclass(frozen=True)
class Baseline:
    """Describe a baseline: its names in the output, and the function that builds its candidates.

    Parameters
    ----------
    name
        Name in options, reports and tables.
    phrase
        Description in a few words, such as ``"the columns as the encoder sees them"``.
    plural
        Plural noun phrase for the text of a verdict, such as ``"raw features"``.
    make
        Function that returns the candidates (models that the comparison scores): one for each probe if the baseline
        computes features, else a single one.
    recipe
        For a baseline that is pre-trained: function that takes the recipe under comparison, and returns the recipe of
        the baseline. None for all others.
    needs_new_encoder
        Whether the baseline builds an encoder from the recipe. This is impossible if the user supplied the encoder as a
        module.
    row_label
        Label of the baseline's row in a table; None: ``name``.
    uses_probe
        Whether a table shows the baseline's scores in the column of the probe that its candidates name. If not, it
        shows them in the column of the first probe.
    domains
        Data domains for which the baseline exists, such as ``("table",)``; None: all.
    unavailable
        For a baseline that needs an optional package: function that returns why it cannot be run, such as ``"not
        installed"``, or None if it can be run.
    """

    name: str
    phrase: str
    plural: str
    make: Callable[[BaselineInputs], list[Candidate]]
    recipe: Callable[[Recipe], Recipe] | None = None
    needs_new_encoder: bool = False
    row_label: str | None = None
    uses_probe: bool = True
    domains: tuple[str, ...] | None = None
    unavailable: Callable[[BaselineInputs], str | None] | None = None

    def suits(self, domain: str) -> bool:
        """Return whether the baseline exists for a data domain, such as ``"table"``."""
        return self.domains is None or domain in self.domains
