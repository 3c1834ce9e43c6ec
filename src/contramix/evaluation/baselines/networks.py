"""Compare with the recipe's network without pre-training: untrained under probes, or trained on the labels only."""

from functools import cache

from jaxtyping import Float32
from numpy import ndarray

from contramix.encoders.encoder import Encoder
from contramix.evaluation.baselines.baseline import Baseline, BaselineInputs
from contramix.evaluation.candidates import Candidate, fine_tuning_candidate, probe_candidates
from contramix.evaluation.features import frozen_features, untrained_encoder


def make_untrained(inputs: BaselineInputs) -> list[Candidate]:
    """Build one baseline candidate for each probe on the representations of the recipe's encoder without training.

    The initial weights depend on the encoder seed of the problem.
    """

    @cache
    def features(seed: int) -> Float32[ndarray, " n d"]:
        encoder = untrained_encoder(inputs.recipe, inputs.data.spec, seed).to(inputs.device)
        return frozen_features(encoder, inputs.data.x)

    return probe_candidates(
        *("untrained", "baseline", lambda problem: features(problem.encoder_seed), inputs.probes),
        vectors=inputs.vectors,
    )


UNTRAINED = Baseline(
    "untrained",
    "the same encoder with its first weights",
    "features of the same encoder without training",
    make_untrained,
    needs_new_encoder=True,
)


def make_supervised(inputs: BaselineInputs) -> list[Candidate]:
    """Build the baseline candidate that trains the recipe's network from scratch on the labels.

    The initial weights depend on the encoder seed of the problem.
    """

    def first_weights(seed: int) -> Encoder:
        return untrained_encoder(inputs.recipe, inputs.data.spec, seed)

    return [fine_tuning_candidate("supervised", "baseline", first_weights, inputs.data.x, inputs.device)]


SUPERVISED = Baseline(
    "supervised",
    "the same network trained on the labels alone",
    "networks of the same kind trained on the labels alone",
    make_supervised,
    needs_new_encoder=True,
    uses_probe=False,
)
