"""i-Mix and DACL on texts and time series, beside the baselines; kept in bench/results/sequences.

python bench/sequences.py italy vowels osuleaf trec sst2 --data-dir DIR     # can be killed and run again
python bench/write_results.py

DIR has ``text/`` (TREC, SST-2) and ``timeseries/ucr_uea.zip``. Runs ``contramix compare`` (the command stands in
report.json), and keeps report.json and, for each run, its recipe.toml and config.json.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

from keeping import keep

RESULTS = Path(__file__).parent / "results" / "sequences"
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
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True).stdout.strip()
    for name in options.names:
        data, arguments = RUNS[name]
        place = options.work / "sequences" / name
        began = time.monotonic()
        given = [str(options.data_dir / a) if a.startswith("text/") else a for a in arguments]
        command = ["contramix", "compare", str(options.data_dir / data), *given, "--seeds", str(options.seeds)]
        command += ["--probes", "linear,knn", "--out", str(place)]
        subprocess.run([str(Path(sys.executable).parent / command[0]), *command[1:]], check=True)
        keep(place, RESULTS / name, commit=commit, wall_seconds=round(time.monotonic() - began))


if __name__ == "__main__":
    main()
