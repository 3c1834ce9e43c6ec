"""Define the options that evaluate and compare share, parse them, and write reports."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from contramix.cli.app import Output
from contramix.errors import InputError, RunError, nearest

if TYPE_CHECKING:
    import pyarrow as pa

    from contramix.models.pretrained import Pretrained
    from contramix.models.task import Kind

Target = Annotated[str | None, typer.Option(help="Column to predict. Default: the labels that come with the data.")]
Test = Annotated[
    Path | None,
    typer.Option(
        help="File of test rows. Without it, a fifth of DATA is held out for each seed; with fewer than 1,000 labeled "
        "rows, each of them is tested in 4 repeats of 5 folds."
    ),
]
Unlabeled = Annotated[
    Path | None,
    typer.Option(help="File of further rows for pre-training, with the columns of DATA. Labels in it are ignored."),
]
Draws = Annotated[int, typer.Option(min=1, max=1000, help="Number of random draws of few labels.")]
LabelsPerClass = Annotated[
    str | None,
    typer.Option(
        help="Numbers of labels per class to test, such as 5,20,100; '' for none. Default: 20. All labels are always "
        "tested as well."
    ),
]
Labels = Annotated[
    str | None,
    typer.Option(
        help="Numbers of labels in all to test for a numeric target, such as 40,200; '' for none. Default: 40."
    ),
]
TaskName = Annotated[
    str | None, typer.Option("--task", help="classification or regression. Default: inferred from the target.")
]
MetricName = Annotated[
    str | None,
    typer.Option(
        "--metric",
        help="Metric of the verdict: accuracy, balanced_accuracy, auroc or r2. Default: auroc for two classes, "
        "balanced_accuracy for more, r2 for numbers. All metrics are shown.",
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
        help="The baselines to compare with: chance, raw, pca, untrained, trees, forest, boosting, blend, gaussian, "
        "supervised, those of the domain such as raw-quantile or rocket (docs/evaluation.md), or 'all'. Default: the "
        "quick ones that suit the domain."
    ),
]
PickOnTest = Annotated[
    bool,
    typer.Option(
        help="Choose the settings of probes on the test rows, as the papers do. Scores are optimistic and marked."
    ),
]


def parse_label_budgets(option: str, text: str | None) -> tuple[int, ...] | None:
    """Parse numbers of labels that are separated by commas: "5,20" gives (5, 20), "" gives (), and None gives None.

    ``option`` is the flag that error messages name, such as "--labels".
    """
    if text is None:
        return None
    try:
        found = tuple(int(part) for part in text.split(",") if part.strip())
    except ValueError:
        found = (0,)
    if any(budget < 1 for budget in found):
        raise InputError(f"{option} {text}: give whole numbers of at least 1, such as 5,20,100")
    return tuple(dict.fromkeys(found))


def parse_names(option: str, text: str, known: "tuple[str, ...] | list[str]") -> tuple[str, ...]:
    """Parse names that are separated by commas, and check that they are allowed.

    Parameters
    ----------
    option
        Flag that error messages name, such as "--probes".
    text
        Names such as "linear,knn", or "all" for all allowed names.
    known
        Allowed names.
    """
    found = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if found == ("all",):
        return tuple(known)
    for name in found:
        if name not in known:
            raise InputError(f"{option} {name}: not known; {nearest(name, known)}")
    return found


def parse_baselines(text: str | None, domain: str) -> tuple[str, ...] | None:
    """Parse the names of baselines, such as "raw,pca".

    If ``text`` is "all", return all baselines of the domain, such as "table"; if it is None, return None.
    """
    from contramix.evaluation.baselines import BASELINES

    if text is None:
        return None
    return parse_names("--baselines", text, [name for name, baseline in BASELINES.items() if baseline.suits(domain)])


def parse_task(text: str | None) -> "Kind | None":
    """Return the value of --task unchanged, after checking that it is "classification", "regression" or None."""
    if text == "classification":
        return "classification"
    if text == "regression":
        return "regression"
    if text is not None:
        raise InputError(f"--task {text}: give classification or regression")
    return None


def parse_class_prior(texts: list[str] | None) -> dict[str, float] | Literal["estimate"] | None:
    """Parse the values of --class-prior: ["yes=0.1", "no=0.9"] gives {"yes": 0.1, "no": 0.9}, ["estimate"] "estimate".

    None gives None, and so does an empty list.
    """
    if not texts:
        return None
    if texts == ["estimate"]:
        return "estimate"
    found = {}
    for text in texts:
        name, _, share = text.rpartition("=")
        if name in found:
            raise InputError(f"--class-prior {text}: the share of {name!r} is given twice")
        try:
            found[name] = float(share)
        except ValueError:
            raise InputError(f"--class-prior {text}: give CLASS=SHARE, such as yes=0.1, or 'estimate' alone") from None
    return found


def write_reports(
    folder: Path,
    report: dict[str, Any],
    runs: list[Path],
    model: "Pretrained",
    table: "pa.Table",
    target: str,
    output: Output,
) -> None:
    """Write report.json and report.html into a folder; print a note if they cannot be written.

    Parameters
    ----------
    folder
        Folder to write to.
    report
        Results of the comparison, as the content of report.json.
    runs
        Folders of the runs whose training curves are shown.
    model, table, target
        Model and rows whose representations are drawn as a map, colored by the column ``target``.
    output
        Where notes are printed.
    """
    import json

    from contramix.report.map import embed_map
    from contramix.report.page import ReportData, write
    from contramix.report.run_facts import RunFacts
    from contramix.runtime import atomic_files

    try:
        atomic_files.write(folder / "report.json", json.dumps(report, indent=1, allow_nan=False) + "\n")
        output.show_status("report.html")
        drawn = embed_map(model, table, target, [name for name in model.display_columns(table) if name != target])
        facts = [RunFacts.read(run) for run in runs]
        write(folder / "report.html", ReportData(str(folder), report["command"], report, facts, drawn))
    except (InputError, RunError) as error:  # such as a read-only folder, or an optional package that is not installed
        output.note(f"the report is not saved: {error}")
