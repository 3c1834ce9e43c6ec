"""Compare with the same encoder, pre-trained with Gaussian noise."""

import hashlib
import tempfile
import time
from pathlib import Path

from jaxtyping import Float32
from numpy import ndarray

from contramix.evaluation.baselines.baseline import Baseline, BaselineInputs
from contramix.evaluation.candidates import Candidate, probe_candidates
from contramix.evaluation.features import frozen_features
from contramix.models.pretrained import Pretrained
from contramix.models.pretraining import Fit, resolve_device
from contramix.recipe import Recipe
from contramix.samples.samples import compute_fingerprint


def gaussian_recipe(recipe: Recipe) -> Recipe:
    """Return the recipe that trains the same encoder by SimCLR on Gaussian noise in place of the recipe's own method.

    Encoder, training and data settings are those of ``recipe``. The DACL paper uses such a baseline.

    Examples
    --------
    >>> baseline = gaussian_recipe(Recipe.load("imix-npair", {"encoder.width": 64}))
    >>> baseline.name, baseline.encoder.width, baseline.imix
    ('gaussian', 64, None)
    """
    kept = {"encoder": recipe.encoder, "train": recipe.train, recipe.domain: recipe.data}
    return Recipe.load("gaussian", domain=recipe.domain).model_copy(update=kept)


def gaussian_features(folder: Path, inputs: BaselineInputs) -> tuple[Float32[ndarray, " n d"], float]:
    """Pre-train the recipe's encoder with Gaussian noise, and return its representations of all records.

    Pre-training uses the rows outside the official test split. The model is saved in a subfolder of ``folder`` that is
    named by a hash of the recipe, the rows and the seed. A later call with the same three loads it from there.

    Returns
    -------
    features, seconds
        Representations, and the time in seconds that pre-training took.
    """
    data, recipe, device = inputs.data, gaussian_recipe(inputs.recipe), str(inputs.device)
    identity = f"{recipe.to_toml()}{inputs.seed}{compute_fingerprint(data.training)}".encode()
    saved = folder / f"gaussian-{hashlib.sha256(identity).hexdigest()[:12]}"
    if not (saved / "config.json").is_file():
        fit = Fit.begin(recipe, data.spec, data.training, inputs.seed, device)
        began = time.monotonic()
        for _ in inputs.reporter.steps("gaussian", fit.plan, 0, fit.steps()):
            pass
        model = fit.finish()
        model.facts["seconds"] = round(time.monotonic() - began, 3)
        model.save(saved)
    model = Pretrained.load(saved, resolve_device(device))
    return frozen_features(model.encoder, data.x), float(model.facts["seconds"])


def make_gaussian(inputs: BaselineInputs) -> list[Candidate]:
    """Pre-train the encoder with Gaussian noise, and build one baseline candidate for each probe on its features."""
    inputs.reporter.progress("gaussian: pre-training")
    with tempfile.TemporaryDirectory() as temporary:
        z, seconds = gaussian_features(inputs.folder or Path(temporary), inputs)
    return probe_candidates("gaussian", "baseline", lambda problem: z, inputs.probes, seconds)


GAUSSIAN = Baseline(
    "gaussian",
    "the same encoder pre-trained with Gaussian noise instead",
    "features of gaussian",
    make_gaussian,
    recipe=gaussian_recipe,
    needs_new_encoder=True,
)
