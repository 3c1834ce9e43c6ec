"""Test which files are found in a folder, in what order, and which are ignored."""

import os

import pytest

from contramix.errors import InputError
from contramix.io.media.listing import NothingFoundError, list_media_files
from contramix.io.media.media_file import UnreadableFileError
from contramix.io.records import BadFile

PNG = {".png"}


def write(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())


def test_all_folders_in_order_of_names(tmp_path):
    write(tmp_path, "b/2.png", "b/10.PNG", "a/z/1.png", "c.png", "a.gif")
    found = list_media_files(tmp_path, PNG)
    assert found.names == ["a/z/1.png", "b/10.PNG", "b/2.png", "c.png"]
    assert [item.read() for item in found.files] == [name.encode() for name in found.names]
    assert found.bad_files == ()


def test_hidden_files_and_resource_forks_are_left_out(tmp_path):
    write(tmp_path, "1.png", ".2.png", "._1.png", "__MACOSX/1.png", ".git/3.png", "a/.b/4.png")
    assert list_media_files(tmp_path, PNG).names == ["1.png"]


def test_lists_beside_the_files(tmp_path):
    write(tmp_path, "1.png", "split.csv", "lists/testing.TXT", "readme.md")
    found = list_media_files(tmp_path, PNG)
    assert list(found.sidecars) == ["lists/testing.TXT", "split.csv"]
    assert found.sidecars["split.csv"].read() == b"split.csv"


def test_a_folder_called_like_a_file_and_a_dead_link_are_bad(tmp_path):
    write(tmp_path, "ok.png", "not/inside.png")
    (tmp_path / "x.png").mkdir()
    (tmp_path / "dead.png").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe.png")
    found = list_media_files(tmp_path, PNG)
    assert found.names == ["not/inside.png", "ok.png"]
    assert found.bad_files == (
        BadFile("dead.png", "a link that leads nowhere"),
        BadFile("pipe.png", "not a regular file"),
        BadFile("x.png", "a folder, not a file"),
    )


def test_links_that_go_round_in_circles(tmp_path):
    write(tmp_path, "a/1.png")
    (tmp_path / "a/loop").symlink_to(tmp_path)
    (tmp_path / "a/self").symlink_to(tmp_path / "a/self")
    (tmp_path / "Outside").symlink_to(tmp_path / "a")
    (tmp_path / "zoutside").symlink_to(tmp_path / "a")
    assert list_media_files(tmp_path, PNG).names == ["a/1.png"]


def test_a_folder_that_only_a_link_leads_to(tmp_path):
    write(tmp_path, "data/1.png")
    (tmp_path / "links").mkdir()
    (tmp_path / "links/b").symlink_to(tmp_path / "data")
    assert list_media_files(tmp_path / "links", PNG).names == ["b/1.png"]


def test_deep_folders(tmp_path):
    deep = "/".join(["d"] * 300)
    write(tmp_path, f"{deep}/1.png")
    assert list_media_files(tmp_path, PNG).names == [f"{deep}/1.png"]


def test_an_ending_that_is_a_whole_name(tmp_path):
    write(tmp_path, "meta", "x/meta", "nometa")
    assert list_media_files(tmp_path, ("/meta",)).names == ["meta", "x/meta"]


def test_one_file(tmp_path):
    write(tmp_path, "a/1.png")
    assert list_media_files(tmp_path / "a/1.png", PNG).names == ["1.png"]


def test_names_of_any_bytes(tmp_path):
    name = os.fsdecode(b"caf\xe9\x1b[2J.png")
    (tmp_path / name).write_bytes(b"x")
    (item,) = list_media_files(tmp_path, PNG).files
    assert item.name == "caf\\xe9[2J.png"
    assert item.read() == b"x"
    assert item.address is None


def test_an_empty_file_is_unreadable(tmp_path):
    (tmp_path / "1.png").touch()
    (item,) = list_media_files(tmp_path, PNG).files
    with pytest.raises(UnreadableFileError, match=r"^0 bytes$"):
        item.read()


def test_a_file_beyond_the_limit_is_not_read(tmp_path):
    with open(tmp_path / "1.png", "wb") as file:
        file.truncate((1 << 30) + 1)
    (item,) = list_media_files(tmp_path, PNG).files
    with pytest.raises(UnreadableFileError, match=r"1.0 GiB, the limit is 1 GiB"):
        item.read()


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: None, "no such file or folder"),
        (lambda path: path.mkdir(), "holds no file that ends in .png"),
        (lambda path: path.write_bytes(b"x"), "holds no file that ends in .png"),
        (lambda path: os.mkfifo(path), "is not a regular file"),
    ],
)
def test_nothing_to_read(tmp_path, make, said):
    make(tmp_path / "data")
    with pytest.raises(InputError, match=said) as caught:
        list_media_files(tmp_path / "data", PNG)
    assert "data" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_nothing_found_is_an_error_of_its_own(tmp_path):
    write(tmp_path, "a.txt")
    with pytest.raises(NothingFoundError):
        list_media_files(tmp_path, PNG)
