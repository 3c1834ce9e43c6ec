"""Test how the available memory is read from files as the kernel writes them."""

from contramix.runtime.memory import _available_in_groups, _available_in_system


def test_the_system_says_what_can_be_had(tmp_path):
    (tmp_path / "meminfo").write_text("MemTotal:       24 kB\nMemFree:  3 kB\nMemAvailable:   17 kB\n")
    assert _available_in_system(tmp_path / "meminfo") == 17 * 1024


def group(folder, limit, usage, most, taken, inactive=0):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"memory.{limit}").write_text(f"{most}\n")
    (folder / f"memory.{usage}").write_text(f"{taken}\n")
    (folder / "memory.stat").write_text(f"anon 5\ninactive_file {inactive}\n")


def test_every_group_above_the_process_counts_and_pages_of_files_can_be_dropped(tmp_path):
    (tmp_path / "mine").write_text("0::/user/job\n")
    group(tmp_path / "fs" / "user" / "job", "max", "current", "max", 50)
    group(tmp_path / "fs" / "user", "max", "current", 1000, 700, inactive=100)
    group(tmp_path / "fs", "max", "current", 5000, 700)
    assert sorted(_available_in_groups(tmp_path / "mine", tmp_path / "fs")) == [400, 4300]


def test_the_first_version_available_in_groups(tmp_path):
    (tmp_path / "mine").write_text("5:cpu:/a\n4:memory:/docker/x\n")
    group(tmp_path / "fs" / "memory", "limit_in_bytes", "usage_in_bytes", 900, 200)
    assert list(_available_in_groups(tmp_path / "mine", tmp_path / "fs")) == [700]
    assert list(_available_in_groups(tmp_path / "none", tmp_path / "fs")) == []
