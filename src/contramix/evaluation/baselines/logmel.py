"""Compare with probes on statistics of log-mel spectrograms, a common baseline for audio."""

import torch
from jaxtyping import Float32
from numpy import ndarray

from contramix.domains import Spec
from contramix.domains.audio.spec import AudioSpec
from contramix.errors import InputError
from contramix.evaluation.baselines.baseline import Baseline, BaselineInputs
from contramix.evaluation.candidates import Candidate, probe_candidates
from contramix.samples.samples import Samples, sequential_batches


def logmel(spec: Spec, x: Samples) -> Float32[ndarray, " n d"]:
    """Return the mean over time of each log-mel band of each clip, followed by the standard deviations over time.

    Parameters
    ----------
    spec
        Specification of the clips, which holds the number of bands.
    x
        Clips as samples.

    Raises
    ------
    InputError
        If the records are not audio.
    """
    if not isinstance(spec, AudioSpec):
        raise InputError("the baseline 'logmel' is for audio")
    front = spec.frontend()
    bands = (front(batch)[:, 0] for batch in sequential_batches(x))
    statistics = [torch.cat([band.mean(2), band.std(2, correction=0)], 1) for band in bands]
    return torch.cat(statistics).numpy()


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
