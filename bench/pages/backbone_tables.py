"""Write the table of what pre-training adds to the vectors of a frozen backbone."""

from collections.abc import Iterator

from bench.pages.few_label_tables import commits, difference, mean_score, percent, scores_by_model

SUITE = "backbones"
"""Name of the lines that `bench/experiments/backbones.py` writes."""
ROWS = ("untrained", "npair", "imix-npair", "dacl", "dacl-plus")


def backbones() -> Iterator[str]:
    """Yield the table of the gains over a linear model on the vectors."""
    found = scores_by_model(SUITE)
    if not found:
        return
    yield from ("## On top of a frozen backbone", "")
    yield "`python -m bench.experiments.backbones`, which describes the protocol, at commit"
    yield f"{commits(found)}. Texts: all-MiniLM-L6-v2. Images (JPEG CIFAR-10, Fashion-MNIST): EfficientNet-Lite0 at"
    yield "96 x 96 pixels. Balanced accuracy on test rows, 20 draws of labels, three pre-training seeds. *Frozen* is a"
    yield "linear model on the vectors. The columns to its right are gains over it, paired, with 95 % t intervals over"
    yield "draws: of blends with a linear model on the representation by each recipe, and of the default predictor,"
    yield "which blends three recipes. *Plain* is TF-IDF or principal components of pixels with a linear model."
    yield ""
    head = ["data, labels", "plain", "frozen", *(f"+ {name}" for name in ROWS), "predictor"]
    yield from (f"| {' | '.join(head)} |", "|---" * len(head) + "|")
    for (name, labels), lines in found.items():
        frozen = percent(lines["frozen"])
        plain = next((lines[row] for row in ("tfidf", "pixels") if row in lines), None)
        cells = [f"{name}, {labels}", "" if plain is None else mean_score(percent(plain)), mean_score(frozen)]
        cells += [difference(percent(lines[f"frozen + {row}"]) - frozen) for row in ROWS]
        yield f"| {' | '.join([*cells, difference(percent(lines['predictor']) - frozen)])} |"
    yield ""
