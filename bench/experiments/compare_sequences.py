"""Compare i-Mix and DACL with the baselines on texts and time series; collected in compare-sequences.jsonl.

python -m bench.experiments.compare_sequences italy trec --data-dir DIR     # can be killed and run again
python -m bench.write_results

The names are italy, vowels, osuleaf, trec and sst2. DIR holds ``text/`` (TREC, SST-2) and ``timeseries/ucr_uea.zip``.
The script runs ``contramix compare`` for each name and collects its report and its runs.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

from bench.result_lines import collect_comparison, current_commit

SUITE = "compare-sequences"
SERIES = "timeseries/ucr_uea.zip"
TRAIN, TEST = "text/stsa.binary.train.gz", "text/stsa.binary.test.gz"
RECIPES = ("--recipes", "npair,imix-npair,dacl,dacl-plus")
FEW = ("--labels-per-class", "5")
RUNS: dict[str, tuple[str, tuple[str, ...]]] = {
    "italy": (SERIES, (*RECIPES, *FEW, "--set", "series.problem=ItalyPowerDemand")),
    "vowels": (SERIES, (*RECIPES, *FEW, "--set", "series.problem=JapaneseVowels")),
    "osuleaf": (SERIES, (*RECIPES, *FEW, "--set", "series.problem=OSULeaf")),
    "trec": ("text/TREC.train.all.gz", (*RECIPES, "--test", "text/TREC.test.all.gz", "--epochs", "5")),
    "sst2": (TRAIN, (*RECIPES, "--test", TEST, "--epochs", "4")),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=list(RUNS))
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=Path("runs"))
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    commit = current_commit()
    for name in options.names:
        data, arguments = RUNS[name]
        folder = options.work / SUITE / name
        began = time.monotonic()
        given = [str(options.data_dir / a) if a.startswith("text/") else a for a in arguments]
        command = ["contramix", "compare", str(options.data_dir / data), *given, "--seeds", str(options.seeds)]
        command += ["--probes", "linear,knn", "--out", str(folder)]
        subprocess.run([str(Path(sys.executable).parent / command[0]), *command[1:]], check=True)
        wall_seconds = round(time.monotonic() - began)
        collect_comparison(SUITE, name, folder, commit=commit, wall_seconds=wall_seconds)


if __name__ == "__main__":
    main()
