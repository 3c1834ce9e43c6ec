"""Test that a block of a suite is run, stored, resumed and shown, by the library and by the command."""

import json

import pytest

from contramix import cli
from contramix.reproduction.catalog import shipped
from contramix.reproduction.reproduce import reproduce
from contramix.reproduction.sources import SOURCES
from contramix.reproduction.suite import Suite


def call(capsys, *arguments):
    with pytest.raises(SystemExit) as end:
        cli.main(["reproduce", *map(str, arguments)])
    shown = capsys.readouterr()
    return end.value.code or 0, shown.out, shown.err


def test_a_block_is_run_kept_and_taken_as_it_is(own, tmp_path):
    suite = Suite.load(own)
    block, splits = suite.data[0], SOURCES["bank"].synthetic()
    report = reproduce(suite, block, "smoke", splits, tmp_path, command="own")
    assert json.loads(json.dumps(report)) == json.loads((tmp_path / "report.json").read_text())
    assert (report["training_rows"], report["test_rows"], report["seeds"]) == (100, 60, 2)
    assert {(r["name"], r["probe"]) for r in report["rows"]} == {
        (name, probe) for name in ("raw", "untrained", "plain", "mixed") for probe in ("linear", "knn")
    }
    assert {(r["name"], r["probe"]) for r in report["parity"]} >= {("plain", "least-squares")}
    for row in ("plain", "mixed"):
        for seed in (0, 1):
            place = tmp_path / row / f"seed{seed}"
            one = json.loads((place / "report.json").read_text())
            (linear,) = (r for r in report["rows"] if (r["name"], r["probe"]) == (row, "linear"))
            assert one["scores"]["linear"] == linear["each"][seed]
            assert one["scores"]["least-squares on test rows"]
            assert (place / "DONE").exists()
            assert "[encoder]" in (place / "recipe.toml").read_text()
    before = (tmp_path / "plain" / "seed0" / "model.safetensors").stat().st_mtime_ns
    again = reproduce(suite, block, "smoke", splits, tmp_path, command="own")
    assert (tmp_path / "plain" / "seed0" / "model.safetensors").stat().st_mtime_ns == before
    assert [r["each"] for r in again["rows"]] == [r["each"] for r in report["rows"]]


def test_the_command_shows_what_was_published_beside_what_came_out(own, tmp_path, capsys):
    code, out, err = call(capsys, own, "--out", tmp_path, "--seeds", 1, "--only", "bank")
    assert code == 0, err
    line = next(line for line in out.splitlines() if line.strip().startswith("plain"))
    assert "12.5 (recalled)" in line
    assert "generated" not in out
    assert "These scores are not comparable with the published ones" in out
    assert "own, bank: tiny; 1 seed of plain, mixed, compared with raw, untrained" in err
    code, out, err = call(capsys, own, "--out", tmp_path, "--seeds", 1, "--only", "bank", "--json", "--quiet")
    assert code == 0, err
    (report,) = json.loads(out)["reports"]
    assert report["command"].startswith("contramix")
    assert (tmp_path / "own" / "smoke" / "bank" / "report.json").exists()


def test_claims_are_shown_and_kept(own, tmp_path, capsys):
    path = tmp_path / "own.toml"
    claim = 'claims = [{ text = "mixing helps", above = "mixed", below = "plain" }]'
    scales = own.read_text().replace("[data.scales.smoke]", "[data.scales.cpu]").split("[[data]]")
    path.write_text(f"{scales[0]}[[data]]{scales[1]}")
    path.write_text(path.read_text().replace('baselines = ["raw", "untrained"]', f'baselines = ["raw"]\n{claim}'))
    bank = tmp_path / "bank.csv"
    rows = (f"{n % 50},{'abc'[n % 3]},{'yes' if n % 7 > 2 else 'no'}" for n in range(150))
    bank.write_text("\n".join(["age,job,y", *rows]))
    code, out, err = call(capsys, path, "--scale", "cpu", "--data", f"bank={bank}", "--out", tmp_path / "out")
    assert code == 0, err
    assert "mixing helps: " in out
    assert "standard deviation over 2 seeds" in out
    (kept,) = json.loads((tmp_path / "out" / "own" / "cpu" / "bank" / "report.json").read_text())["claims"]
    assert kept["claim"] == "mixing helps"
    assert kept["verdict"].startswith(("holds", "does not hold"))


def test_suites_are_listed(capsys):
    code, out, _ = call(capsys)
    assert code == 0
    assert all(name in out for name in shipped())
    assert "Next: contramix reproduce" in out


def test_files_are_not_for_smoke(own, tmp_path, capsys):
    code, _, err = call(capsys, own, "--out", tmp_path, "--seeds", 1, "--only", "bank", "--data-dir", tmp_path)
    assert code == 0
    assert "the scale 'smoke' uses generated records" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["imix-tabel1"], "unknown suite 'imix-tabel1'; did you mean 'imix-table1'?"),
        (["imix-table1", "--scale", "big"], "--scale 'big': give one of smoke, cpu, paper"),
        (["imix-table1", "--only", "mutag"], "--only 'mutag': imix-table1 has no such data"),
        (["imix-table1", "--data", "speech"], "--data speech: give NAME=PATH"),
        (["imix-table1", "--data", "speach=x"], "did you mean 'speech'"),
        (["imix-table3", "--scale", "cpu", "--only", "speech"], "no data set of imix-table3 could be run: "),
        (["imix-table2", "--scale", "cpu"], "--scale cpu: imix-table2 has smoke and paper"),
        (["imix-table1", "--only", "covtype-length"], "--scale smoke: covtype-length has cpu"),
        (["imix-table1", "--data", "adult=x"], "--data adult: no selected data set uses it"),
        (["imix-table3", "--scale", "cpu", "--only", "speech", "--quiet"], "run: speech-commands-v0.01: say where"),
        (["--scale", "cpu"], "give a SUITE"),
        (["slides-covtype", "--scale", "paper"], "covtype: needs covtype.data.gz"),
        (["slides-covtype", "--data-dir", "nowhere"], "--data-dir nowhere: there is no such folder"),
    ],
)
def test_what_is_wrong_with_a_call_is_said(capsys, monkeypatch, tmp_path, arguments, message):
    monkeypatch.delenv("CONTRAMIX_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    code, _, err = call(capsys, *arguments)
    assert code == 2
    assert message in err
    assert err.count("error: ") == 1


def test_data_without_the_scale_is_named_and_left_out(own, tmp_path, capsys):
    path = tmp_path / "two.toml"
    bank, graphs = own.read_text().split('[[data]]\ndata = "MUTAG"')
    path.write_text(f'{bank}[[data]]\ndata = "MUTAG"{graphs.replace("scales.smoke", "scales.paper")}')
    code, out, err = call(capsys, path, "--out", tmp_path, "--seeds", 1, "--json")
    assert code == 0
    assert "two, MUTAG: not run: MUTAG has no scale 'smoke'; it has paper" in err
    (left,) = json.loads(out)["not_run"]
    assert (left["suite"], left["data"]) == ("two", "MUTAG")
    assert [report["precision"] for report in json.loads(out)["reports"]] == [["float32"]]
