"""Define the options that evaluate and compare share, and write their reports."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from contramix.cli.app import Output
from contramix.errors import InputError, RunError, nearest

if TYPE_CHECKING:
    import pyarrow as pa

    from contramix.models.pretrained import Pretrained
    from contramix.models.task import Kind

Target = Annotated[str | None, typer.Option(help="Column to predict. Default: the labels that come with the data.")]
Test = Annotated[
    Path | None, typer.Option(help="File of test rows. Without it, a fifth of DATA is held out for each seed.")
]
LabelsPerClass = Annotated[
    str,
    typer.Option(help="Label budgets to test, such as 5,20,100; '' for none. All labels are always tested as well."),
]
TaskName = Annotated[
    str | None, typer.Option("--task", help="classification or regression. Default: inferred from the target.")
]
MetricName = Annotated[
    str | None,
    typer.Option(
        "--metric",
        help="Metric of the verdict: accuracy, balanced_accuracy, auroc or r2. All metrics are shown.",
    ),
]
Probes = Annotated[
    str,
    typer.Option(
        help="linear, knn, finetune (all weights); and the papers' own, sgd, lars, adam, least-squares and others "
        "(docs/evaluation.md). The first one gives the verdict."
    ),
]
Baselines = Annotated[
    str | None,
    typer.Option(
        help="The baselines to compare with: raw, pca, untrained, gaussian, supervised, trees, boosting, one that is "
        "specific to the domain (docs/evaluation.md), or 'all'. Default: those that suit the domain."
    ),
]
PickOnTest = Annotated[
    bool,
    typer.Option(
        help="Choose the settings of probes on the test rows, as the papers do. Scores are optimistic and marked."
    ),
]


def budgets(text: str) -> tuple[int, ...]:
    """Parse the numbers of labels per class."""
    try:
        found = tuple(int(part) for part in text.split(",") if part.strip())
    except ValueError:
        found = (0,)
    if any(budget < 1 for budget in found):
        raise InputError(f"--labels-per-class {text}: give whole numbers of at least 1, such as 5,20,100")
    return tuple(dict.fromkeys(found))


def names(option: str, text: str, known: "tuple[str, ...] | list[str]") -> tuple[str, ...]:
    """Parse names that are separated by commas and check that they are known; ``all`` stands for all of them."""
    found = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if found == ("all",):
        return tuple(known)
    for name in found:
        if name not in known:
            raise InputError(f"{option} {name}: not known; {nearest(name, known)}")
    return found


def baseline_names(text: str | None, domain: str) -> tuple[str, ...]:
    """Parse the names of baselines; return those that suit the domain if none are given."""
    from contramix.domains import DOMAINS
    from contramix.evaluation.baselines import BASELINES

    return DOMAINS[domain].baselines if text is None else names("--baselines", text, tuple(BASELINES))


def task_kind(text: str | None) -> "Kind | None":
    """Parse the kind of task."""
    if text == "classification":
        return "classification"
    if text == "regression":
        return "regression"
    if text is not None:
        raise InputError(f"--task {text}: give classification or regression")
    return None


def keep_report(
    folder: Path,
    report: dict[str, Any],
    runs: list[Path],
    model: "Pretrained",
    table: "pa.Table",
    target: str,
    output: Output,
) -> None:
    """Write report.json and report.html into a folder; say so where they cannot be kept.

    Parameters
    ----------
    folder, report
        Where to, and the comparison as plain values.
    runs
        Folders of the runs whose curves are shown.
    model, table, target
        The model whose embeddings of the rows are mapped, coloured by the target.
    """
    import json

    from contramix.report.map import embed_map
    from contramix.report.page import ReportData, write
    from contramix.report.run_facts import RunFacts
    from contramix.runtime import atomic_files

    try:
        atomic_files.write(folder / "report.json", json.dumps(report, indent=1, allow_nan=False) + "\n")
        output.progress("report.html")
        drawn = embed_map(model, table, target, [name for name in model.display_columns(table) if name != target])
        facts = [RunFacts.read(run) for run in runs]
        write(folder / "report.html", ReportData(str(folder), report["command"], report, facts, drawn))
    except (InputError, RunError) as error:  # the folder of a shared model, perhaps, or an extra that is not there
        output.note(f"the report is not kept: {error}")
