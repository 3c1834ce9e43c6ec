"""Compare five recipes with the baselines on four real tables, three seeds each; collected in compare-tables.jsonl.

python -m bench.data.make_parquet_tables --data-dir DIR
python -m bench.experiments.compare_tables adult bank     # can be killed and run again
python -m bench.write_results

The names are adult, bank, credit and covtype. The script runs ``contramix compare`` for each name and collects its
report and its runs.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from bench.data.make_parquet_tables import TARGETS
from bench.result_lines import collect_comparison, current_commit

SUITE = "compare-tables"
RECIPES = ("npair", "scarf", "dacl", "dacl-plus", "imix-npair")
EPOCHS = {"adult": 5, "bank": 4, "credit": 7, "covtype": 17}  # about 300 steps of 512 rows, and 500
METRICS = {"covtype": "accuracy"}  # the others have two classes of unequal size: area under the ROC curve


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tables", nargs="*", default=list(TARGETS))
    parser.add_argument("--work", type=Path, default=Path("runs"))
    options = parser.parse_args()
    commit = current_commit()
    for name in options.tables:
        rows, folder = options.work / "tables", options.work / SUITE / name
        train, test = (str(rows / f"{name}-{split}.parquet") for split in ("train", "test"))
        command = [
            *("contramix", "compare", train, "--test", test),
            *("--target", TARGETS[name], "--recipes", ",".join(RECIPES), "--epochs", str(EPOCHS[name])),
            *("--set", "encoder.width=256"),  # the same network for all
            *("--labels-per-class", "20,100", "--seeds", "3", "--metric", METRICS.get(name, "auroc")),
            *("--probes", "linear,knn", "--out", str(folder)),
        ]
        subprocess.run([str(Path(sys.executable).parent / command[0]), *command[1:]], check=True)
        collect_comparison(SUITE, name, folder, commit=commit)


if __name__ == "__main__":
    main()
