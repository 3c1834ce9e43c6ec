"""Test two processes as one run: same losses and gradients, one folder, one output, and none left if one dies."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
import torch

from contramix import cli
from contramix.errors import InputError
from contramix.runs.log import read_log
from contramix.runtime import distributed
from contramix.runtime.distributed import Group
from contramix.runtime.randomness import Key
from contramix.training.loop import Train

ROWS = 64
BATCH = 16


def free_port():
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        return str(place.getsockname()[1])


def beside_each_other(*arguments):
    """Two processes in the environment that torchrun makes."""
    shared = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": free_port(), "OMP_NUM_THREADS": "1"}
    line = [sys.executable, *map(str, arguments)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return [subprocess.Popen(line, env={**os.environ, **shared, "RANK": str(rank)}, **pipes) for rank in range(2)]


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """What each of two processes found in one_of_two.py."""
    outs = tmp_path_factory.mktemp("two"), tmp_path_factory.mktemp("two")
    found = []
    for process, out in zip(beside_each_other(Path(__file__).with_name("one_of_two.py"), *outs, free_port()), outs):
        _, said = process.communicate(timeout=300)
        assert process.returncode == 2, said  # its last act is a command that is refused
        found.append(json.loads((out / "found.json").read_text()) | {"said": said})
    return found


METHODS = ("npair", "simclr", "moco")
COMPARED = [
    *(f"{m}, {n} partners{how}" for m in METHODS for n in (0, 1, 3) for how in ("", ", not gathered")),
    *("npair, two passes", "original moco", "byol", "simsiam", "infograph", "infograph, not gathered"),
    *(f"{m}, BatchNorm" for m in (*METHODS, "byol", "simsiam")),
    *("norm of rows", "norm of images", "norm of series", "gathered"),
]


@pytest.mark.parametrize("name", COMPARED)
def test_two_processes_give_the_loss_gradient_and_state_of_one(two, name):
    for each in two:
        assert each["found"][name]["size"] > 0.1
        assert each["found"][name]["differ"] < 1e-9


def test_nothing_that_was_compared_is_left_unread(two):
    assert set(two[0]["found"]) == {*COMPARED, "training"}


def test_two_processes_train_as_one_where_nothing_is_drawn(two):
    for each in two:
        assert each["found"]["training"]["moved"] > 0.05
        assert each["found"]["training"]["differ"] < 1e-4


def test_each_row_is_seen_once_an_epoch_and_the_rest_is_drawn_apart(two):
    first, second = (each["facts"]["seen"] for each in two)
    assert len(first) == len(second) == 8  # steps
    for epoch in range(2):
        order = torch.randperm(37, generator=Key(0).at("order", epoch).generator()).tolist()
        seen = [row for a, b in zip(first[4 * epoch :], second[4 * epoch : 4 * epoch + 4]) for row in a + b]
        assert seen == order[:32]
    assert all(len(share) == 4 for share in first + second)
    assert two[0]["facts"]["drawn"] != two[1]["facts"]["drawn"]
    assert [each["facts"]["agreed"] for each in two] == [15, 15]
    assert [each["facts"]["said"] for each in two] == [{"n": 0}, {"n": 0}]
    assert [each["facts"]["bytes"] for each in two] == ["abc", "abc"]


def test_alone_everything_is_given_back():
    x, key, rows = torch.ones(2, 3), Key(0), torch.arange(4)
    assert distributed.all_gather(x) is distributed.all_reduce_mean(x) is x
    assert distributed.per_rank(key) is key
    assert distributed.local_shard(rows) is rows
    assert distributed.broadcast_object("word") == "word"
    assert distributed.all_reduce_max(15) == 15
    module = torch.nn.Linear(2, 2)
    assert distributed.wrap_ddp(module) is module


@pytest.mark.parametrize(
    ("settings", "rows", "wanted"),
    [
        ({"batch_size": 12}, 100, 12),
        ({}, 100, 99),  # all rows, one left out
        ({}, 5000, "multiple of 3, such as 510"),
        ({"batch_size": 13}, 100, "train.batch_size 13 cannot be shared by 3 processes.*such as 12"),
        ({"batch_size": 3}, 100, "at least 2; .*such as 6"),
    ],
)
def test_a_batch_is_of_all_processes_and_shared_equally(monkeypatch, settings, rows, wanted):
    monkeypatch.setattr(distributed, "_group", Group(rank=1, world_size=3))
    train = Train(**settings)
    if isinstance(wanted, int):
        assert train.plan(rows).batch_size == wanted
    else:
        with pytest.raises(InputError, match=wanted):
            train.plan(rows)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "rows.csv"
    g = torch.Generator().manual_seed(0)
    lines = [
        f"{a},{b},{['red', 'green', 'blue'][n % 3]},{n % 2}"
        for n, (a, b) in enumerate(torch.randn(ROWS, 2, generator=g))
    ]
    path.write_text("\n".join(["a,b,colour,y", *lines]))
    return path


def call(data, out, *more):
    small = ["encoder.depth=1", "encoder.width=8", f"train.batch_size={BATCH}"]
    arguments = ["pretrain", data, "--out", out, "--target", "y", "--recipe", "imix-moco"]
    return [str(a) for a in (*arguments, *(word for setting in small for word in ("--set", setting)), *more)]


def torchrun(*arguments):
    line = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", free_port()]
    return subprocess.Popen(
        [*line, "-m", "contramix", *arguments],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def workers(process):
    """The processes that torchrun has started, by rank."""
    found = {}
    for child in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split():
        with suppress(OSError):
            words = Path(f"/proc/{child}/environ").read_bytes().split(b"\0")
            rank = next((word[5:] for word in words if word.startswith(b"RANK=")), None)
            if rank is not None:
                found[int(rank)] = int(child)
    return found


def alive(pid):
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def steps_kept(out):
    return {int(path.name[5:15]) for path in (out / "checkpoint").glob("step-*")}


def until_trained(process, out):
    before = steps_kept(out)
    while not steps_kept(out) - before:
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)


def cli_says(capsys, *arguments):
    with pytest.raises(SystemExit) as end:
        cli.main([str(a) for a in arguments])
    assert not end.value.code
    return capsys.readouterr().out


def errors(said):
    return [line for line in said.splitlines() if line.startswith("error: ")]


def test_a_run_of_two_survives_the_death_of_one_and_a_signal_and_is_finished_by_one(data, tmp_path, capsys):
    out = tmp_path / "run"
    more = ("--epochs", "100", "--checkpoint-seconds", "0.05")

    process = torchrun(*call(data, out, *more))
    until_trained(process, out)
    both = workers(process)
    assert both.keys() == {0, 1}
    os.kill(both[1], signal.SIGKILL)
    _, said = process.communicate(timeout=60)
    assert process.returncode != 0
    assert not any(map(alive, both.values()))
    assert len(errors(said)) == 1, said
    assert "another process of this run has ended" in errors(said)[0]
    assert not (out / "DONE").exists()

    reached = max(steps_kept(out))
    process = torchrun(*call(data, out, *more))
    until_trained(process, out)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=120)
    assert process.returncode != 0
    assert len(errors(said)) == 1, said
    assert errors(said)[0].startswith("error: interrupted; run the same command again to go on")
    assert max(steps_kept(out)) > reached
    log = read_log(out)
    assert [line["step"] for line in log] == sorted({line["step"] for line in log})

    reached = max(steps_kept(out))
    with pytest.raises(SystemExit) as end:
        cli.main(call(data, out, *more, "--json"))
    shown = capsys.readouterr()
    assert not end.value.code, shown.err
    facts = json.loads(shown.out)
    assert facts["resumed_from"] == reached
    assert facts["steps"] == 100 * ROWS // BATCH
    assert "begun with processes 2 (now 1): what it draws may differ" in shown.err
    assert (out / "DONE").exists()


def test_two_write_one_folder(two, capsys):
    out = Path(two[0]["facts"]["run"])
    names = ["DONE", "checkpoint", "config.json", "log.jsonl", "model.safetensors", "recipe.toml", "run.json"]
    assert sorted(p.name for p in out.iterdir() if p.name != ".lock") == [*names, "spec.json"]
    assert [each["facts"]["again"] for each in two] == [True, None]
    assert cli_says(capsys, "info", out).count("2 processes") == 1
    log = read_log(out)
    assert log[-1]["step"] == 6
    assert sum("health" in line for line in log) == 5


def test_one_process_decides_that_both_read_from_the_cache_that_it_writes(two, capsys):
    out = Path(two[0]["facts"]["cached"])
    assert "written once to" in two[0]["facts"]["cached_told"][0]
    assert (out / "DONE").exists()
    assert not (out / "cache").exists()
    assert read_log(out)[-1]["step"] == 6
    assert cli_says(capsys, "info", out).count("2 processes") == 1


def test_what_is_wrong_is_said_once_and_both_end_alike(two):
    said = "".join(each["said"] for each in two)
    assert len(said.splitlines()) == len(errors(said)) == 1
    assert "holds a run with other settings (" in said
    assert "train.epochs: 3 and 2" in said


def test_a_wrong_environment_is_named(monkeypatch, capsys):
    monkeypatch.setenv("WORLD_SIZE", "2")
    for name in ("RANK", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SystemExit) as end:
        cli.main(["pretrain", "nothing.csv", "--out", "run"])
    assert end.value.code == 2
    said = capsys.readouterr().err
    assert said.count("error: ") == 1
    assert "RANK, MASTER_ADDR, MASTER_PORT not: start several processes with 'torchrun" in said
