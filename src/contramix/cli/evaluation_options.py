"""The options that evaluate and compare share, and how they show what they found."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from contramix.cli.app import Output
from contramix.errors import InputError, RunError, nearest

if TYPE_CHECKING:
    import pyarrow as pa

    from contramix.models.pretrained import Pretrained
    from contramix.models.task import Kind

Target = Annotated[
    str | None, typer.Option(help="The column to predict; the labels that the data carry themselves if not given.")
]
Test = Annotated[
    Path | None, typer.Option(help="Official test rows; without it a fifth of DATA is held out for each seed.")
]
LabelsPerClass = Annotated[
    str, typer.Option(help="Few-label budgets, such as 5,20,100; '' for none. All labels are always tried.")
]
TaskName = Annotated[str | None, typer.Option("--task", help="classification or regression; found out if not given.")]
MetricName = Annotated[
    str | None,
    typer.Option(
        "--metric",
        help="What the verdict is given on: accuracy, balanced_accuracy, auroc, or r2. All metrics are shown.",
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
    typer.Option(help="Choose the probes' settings by the test rows, as the papers do. Flatters; labelled so."),
]


def budgets(text: str) -> tuple[int, ...]:
    """Numbers of labels a class."""
    try:
        found = tuple(int(part) for part in text.split(",") if part.strip())
    except ValueError:
        found = (0,)
    if any(budget < 1 for budget in found):
        raise InputError(f"--labels-per-class {text}: give whole numbers of at least 1, such as 5,20,100")
    return tuple(dict.fromkeys(found))


def names(option: str, text: str, known: "tuple[str, ...] | list[str]") -> tuple[str, ...]:
    """Names separated by commas, each of them known; ``all`` is all of them."""
    found = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if found == ("all",):
        return tuple(known)
    for name in found:
        if name not in known:
            raise InputError(f"{option} {name}: not known; {nearest(name, known)}")
    return found


def baseline_names(text: str | None, domain: str) -> tuple[str, ...]:
    """The plain baselines asked for; those that make sense for a domain if none are."""
    from contramix.domains import DOMAINS
    from contramix.evaluation.baselines import BASELINES

    return DOMAINS[domain].baselines if text is None else names("--baselines", text, tuple(BASELINES))


def task_kind(text: str | None) -> "Kind | None":
    """The kind of task asked for."""
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

    from contramix.report.map import map_of
    from contramix.report.page import ReportData, write
    from contramix.report.run_facts import RunFacts
    from contramix.runtime import atomic_files

    try:
        atomic_files.write(folder / "report.json", json.dumps(report, indent=1, allow_nan=False) + "\n")
        output.progress("report.html")
        drawn = map_of(model, table, target, [name for name in model.display_columns(table) if name != target])
        facts = [RunFacts.read(run) for run in runs]
        write(folder / "report.html", ReportData(str(folder), report["command"], report, facts, drawn))
    except (InputError, RunError) as error:  # the folder of a shared model, perhaps, or an extra that is not there
        output.note(f"the report is not kept: {error}")
