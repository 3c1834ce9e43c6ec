"""Compare with probes on statistics of log-mel spectrograms, a common baseline for audio."""

from contramix.evaluation.baselines.baseline import Baseline, BaselineInputs
from contramix.evaluation.candidates import Candidate, probe_candidates
from contramix.predictors.domain_features import logmel


def make_logmel(inputs: BaselineInputs) -> list[Candidate]:
    """Build one baseline candidate for each probe on the statistics of the clips' log-mel bands."""
    z = logmel(inputs.data.spec, inputs.data.x)
    return probe_candidates("logmel", "baseline", lambda problem: z, inputs.probes)


LOGMEL = Baseline(
    "logmel",
    "mean and standard deviation over time of each log-mel band",
    "statistics of log-mel bands",
    make_logmel,
    domains=("audio",),
)
