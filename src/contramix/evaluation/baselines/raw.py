"""Compare with probes on raw features."""

from contramix.evaluation.baselines.baseline import Baseline, BaselineInputs
from contramix.evaluation.candidates import Candidate, probe_candidates


def make_raw(inputs: BaselineInputs) -> list[Candidate]:
    """Build one baseline candidate for each probe on the raw features."""
    raw = inputs.raw
    return probe_candidates("raw", "baseline", lambda problem: raw, inputs.probes)


RAW = Baseline("raw", "the columns as the encoder sees them", "raw features", make_raw)
