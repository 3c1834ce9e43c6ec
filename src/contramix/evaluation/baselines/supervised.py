"""Compare with the same network trained from scratch on the labels only."""

from contramix.encoders.encoder import Encoder
from contramix.evaluation.baselines.baseline import Baseline, BaselineInputs
from contramix.evaluation.candidates import Candidate, fine_tuning_candidate
from contramix.evaluation.features import untrained_encoder


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
