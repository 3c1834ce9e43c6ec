"""Compare recipes for tables on the CovType rows that ship with the package; collected in covtype-recipes.jsonl.

python -m bench.experiments.compare_covtype_recipes --seeds 3            # the demo's recipes
python -m bench.experiments.compare_covtype_recipes --seeds 1 --others   # the other recipes
python -m bench.write_results
"""

import argparse
from pathlib import Path

from bench import result_lines
from contramix.evaluation.summary import as_json
from contramix.models.pretrained import environment
from contramix.recipes import shipped
from contramix.reproduction.demo import EPOCHS, RECIPES, run_demo
from contramix.training.progress import ConsoleReporter

SUITE = "covtype-recipes"
PUBLISHED = {"covtype", "fmnist"}  # recipes of a paper's table, which take hours
OTHERS = tuple(name for name in shipped() if name not in RECIPES and not PUBLISHED & set(name.split("-")))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--others", action="store_true", help="compare the recipes that are not in the demo")
    parser.add_argument("--work", type=Path, default=Path("runs"))
    options = parser.parse_args()
    recipes, block = (OTHERS, "others") if options.others else (RECIPES, "demo")
    folder = options.work / SUITE / block
    others = " --others" * options.others
    command = f"python -m bench.experiments.compare_covtype_recipes --seeds {options.seeds}{others}"
    evaluation = run_demo(folder, seeds=options.seeds, recipes=recipes, command=command, reporter=ConsoleReporter())
    report = as_json("CovType: 15,120 training and 20,000 test rows", evaluation, command=command, epochs=EPOCHS)
    cells = {(s.name, s.probe, s.labels): s for s in evaluation.scores}
    report["commit"] = result_lines.current_commit()
    report["machine"] = environment()
    report["imix_gain"] = {
        name: [
            round(float(d), 6)
            for d in cells[f"imix-{name}", "linear", None].per_seed - cells[name, "linear", None].per_seed
        ]
        for name in recipes
        if f"imix-{name}" in recipes
    }
    runs = result_lines.comparison_runs(folder, report["commit"])
    result_lines.replace_block(SUITE, None, block, report, runs)


if __name__ == "__main__":
    main()
