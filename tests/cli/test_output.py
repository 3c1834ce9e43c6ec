"""Test what commands print and where: JSON, notes, help texts, and paths of any bytes."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path


def write(name: str, content: str | bytes) -> str:
    Path(name).write_bytes(content.encode() if isinstance(content, str) else content)
    return name


def test_json_is_one_object_whatever_is_noted(finished, run, t):
    table = t.column(t.people(60), "same", lambda n: "7")
    write("noted.csv", t.text(table, ";"))
    told = run.done("pretrain", "noted.csv", "--out", "noted", "--target", "y", "--json", *run.small)
    told.says("note: delimiter found", "note: column 'same'")
    assert json.loads(told.out)["left_out"][0]["name"] == "same"
    for command in (
        ("embed", "noted", "noted.csv", "--out", "z.npy", "--json"),
        ("evaluate", "noted", "noted.csv", "--target", "y", "--seeds", "1", "--json", *run.quick),
        ("info", "noted", "--json"),
        ("recipes", "--json"),
        ("recipes", "dacl", "--json"),
    ):
        out = run.done(*command).out
        assert isinstance(json.loads(out), dict)
        assert len(out.splitlines()) == 1
    report = json.loads(Path("noted/report.json").read_text())
    assert report["verdict"]["outcome"] in ("helped", "no difference", "hurt")


def test_quiet_says_nothing_besides_the_result(finished, run, t):
    write("noted.csv", t.text(t.people(60), ";"))
    assert run.done("pretrain", "noted.csv", "--out", "noted", "--quiet", *run.small).err == ""
    assert run.done("evaluate", "run", "noted.csv", "--target", "y", "--seeds", "1", "-q", *run.quick).err == ""
    told = run.done("embed", "run", "noted.csv", "--out", "z.npy", "--quiet", "--json")
    assert told.err == ""
    assert json.loads(told.out)["rows"] == 60


def test_a_reader_that_goes_away(here, run):
    line = [sys.executable, "-m", "contramix.cli", "recipes"]
    read, write_end = os.pipe()
    os.close(read)
    ended = subprocess.run(line, stdout=write_end, stderr=subprocess.PIPE, timeout=60, check=False)
    os.close(write_end)
    assert (ended.returncode, ended.stderr) == (0, b"")


def test_a_path_of_any_bytes(finished, run):
    os.mkdir(b"caf\xe9 #1 [")
    name = b"caf\xe9 #1 [/b].csv"
    shutil.copy(b"people.csv", name)
    ended = run.process("embed", "run", name, "--out", b"z \xff.npy", "--json")
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["rows"] == 60
    assert Path(os.fsdecode(b"z \xff.npy")).is_file()
    told = run.done("evaluate", "run", os.fsdecode(name), "--target", "y", "--seeds", "1", *run.quick)
    assert "on caf? #1 [/b].csv, target y" in told.out
    run.done("pretrain", os.fsdecode(name), "--out", os.fsdecode(b"r\xe9 #"), "--target", "y", *run.small)
    run.refused("info", os.fsdecode(b"no\xff\n")).says("no")


def test_help_is_there_for_every_command_and_needs_no_torch(here):
    script = (
        "import sys\n"
        "from contramix.cli import main\n"
        "for command in ([], ['-h'], *([c, '--help'] for c in 'demo pretrain embed evaluate recipes info'.split())):\n"
        "    try:\n"
        "        main(command)\n"
        "    except SystemExit as end:\n"
        "        assert end.code == 0, command\n"
        "heavy = {'torch', 'sklearn', 'pyarrow', 'pandas', 'scipy'} & sys.modules.keys()\n"
        "assert not heavy, heavy\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == b""
    assert ended.stdout.count(b"Usage: ") == 8


def test_info_and_report_tell_the_rank_of_the_data(finished, run):
    found = json.loads(run.done("info", "run", "--json").out)["data_rank"]
    assert found["rows"] == 60
    assert 1 < found["effective_rank"] <= found["dimension"]
    words = f"about {found['effective_rank']:g} of {found['dimension']} directions carry the data"
    assert words in " ".join(run.done("info", "run").out.split())
    run.done("report", "run", "--quiet")
    page = Path("run/report.html")
    assert f"<p>Effective rank of the data: {words}" in page.read_text()
    facts = json.loads(Path("run/config.json").read_text())
    del facts["data_rank"]
    Path("run/config.json").write_text(json.dumps(facts))
    assert "rank of data" not in run.done("info", "run").out
    run.done("report", "run", "--quiet")
    assert "Effective rank of the data" not in page.read_text()
