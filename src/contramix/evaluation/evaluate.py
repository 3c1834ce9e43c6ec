"""Evaluate one pre-trained model on labeled rows, compared with baselines."""

from collections.abc import Sequence
from pathlib import Path

from contramix.errors import InputError
from contramix.evaluation.baselines import BASELINES, BaselineInputs, make_baselines, note_unavailable
from contramix.evaluation.candidates import fine_tuning_candidate, probe_candidates
from contramix.evaluation.comparison import Evaluation, run_comparison
from contramix.evaluation.features import frozen_features, recalibrate_batch_norm
from contramix.evaluation.labeled_table import LabeledTable
from contramix.evaluation.protocol import DEFAULT_PROTOCOL, Protocol
from contramix.models.inference import device_of
from contramix.models.pretrained import Pretrained
from contramix.training.reporter import SILENT, Reporter


def evaluate(
    model: Pretrained,
    data: LabeledTable,
    protocol: Protocol = DEFAULT_PROTOCOL,
    *,
    recalibrate_bn: bool = False,
    folder: Path | None = None,
    training_advice: Sequence[str] = (),
    reporter: Reporter = SILENT,
) -> Evaluation:
    """Compare a model's representations with baselines on the same rows and labels.

    Parameters
    ----------
    model
        Pre-trained model.
    data
        Labeled rows. Their ``extra_rows`` are ignored, since the model is already pre-trained.
    protocol
        Rules of the comparison: seeds, numbers of labels, metric, probes and baselines.
    recalibrate_bn
        Whether to also compare a copy of the model, whose BatchNorm statistics are recomputed from training rows
        without noise or mixing.
    folder
        Folder for the model of the Gaussian baseline, and for the evaluated model's representations if they take more
        than 1 GB; None for a temporary folder.
    training_advice
        Sentences to append to the advice, such as those of :func:`contramix.monitoring.alarms.advice_from_log`.
    reporter
        Object that receives the progress.

    Raises
    ------
    InputError
        If the target column does not exist, has no known value, or was an input of pre-training; or if all weights of
        the model were fine-tuned on labels.
    """
    if "finetuning" in model.facts:
        raise InputError(
            "the model was fine-tuned on labels, so its representations depend on the labels of test rows too; "
            "evaluate the run it was fine-tuned from: the row 'finetune' there fine-tunes it on the training rows only"
        )
    records = data.encode(model.spec, protocol.task)
    plan = protocol.plan(records)
    recipe, device = model.recipe, device_of(model.encoder)
    name = f"{recipe.name} (recipe)" if recipe.name in BASELINES else recipe.name
    seed, seconds = int(model.facts.get("seed") or 0), float(model.facts.get("seconds", 0.0))
    probes, baselines = protocol.probes, protocol.choose_baselines(recipe)
    if model.facts.get("own_encoder"):  # neither its first weights nor a way to build another one are known
        if probes[0] == "finetune":
            raise InputError("`probes`: a module of your own cannot be trained from scratch; name another probe first")
        baselines = {name for name in baselines if name in BASELINES and not BASELINES[name].needs_new_encoder}
    inputs = BaselineInputs(records, recipe, probes, device, seed, folder, reporter)
    candidates = make_baselines(inputs, baselines)
    z = frozen_features(model.encoder, records.x, folder)
    candidates += probe_candidates(name, "pretrained", lambda problem: z, probes, seconds, inputs.vectors)
    if recalibrate_bn:
        again = frozen_features(recalibrate_batch_norm(model.encoder, records.training), records.x, folder)
        candidates += probe_candidates(f"{name}, BatchNorm anew", "pretrained", lambda problem: again, probes, seconds)
    if "finetune" in probes:
        candidates.append(
            fine_tuning_candidate(name, "pretrained", lambda seed: model.encoder, records.x, device, seconds)
        )
    return run_comparison(
        records,
        protocol,
        plan,
        candidates,
        [name],
        notes=[*model.unknown(data.table, (data.target,)), *data.notes, *note_unavailable(inputs, baselines)],
        training_advice=training_advice,
        reporter=reporter,
    )
