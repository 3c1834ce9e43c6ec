"""Test files in zip and tar archives: listing, reading in several threads, and malicious archives."""

import gzip
import io
import os
import stat
import tarfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from contramix.errors import InputError
from contramix.io.media import archives
from contramix.io.media.addresses import read_address
from contramix.io.media.listing import list_media_files
from contramix.io.media.media_file import UnreadableFileError

PNG = {".png"}
FILES = {f"train/{n % 3}/{n:03}.png": os.urandom(50 + n) for n in range(40)} | {"list.txt": b"a list"}
KINDS = ["zip", "stored.zip", "tar", "tar.gz", "tgz", "tar.bz2", "tar.xz"]


def make(path, files):
    if path.name.endswith("zip"):
        method = zipfile.ZIP_STORED if "stored" in path.name else zipfile.ZIP_DEFLATED
        with zipfile.ZipFile(path, "w", method) as archive:
            for name, data in files.items():
                archive.writestr(name, data)
    else:
        packed = {"gz": "gz", "tgz": "gz", "bz2": "bz2", "xz": "xz"}.get(path.name.rpartition(".")[2], "")
        with tarfile.open(path, f"w:{packed}") as archive:
            for name, data in files.items():
                member = tarfile.TarInfo(name)
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_an_archive_is_read_like_a_folder(tmp_path, kind):
    found = list_media_files(make(tmp_path / f"data.{kind}", FILES), PNG)
    assert found.names == sorted(name for name in FILES if name.endswith("png"))
    assert {item.name: item.read() for item in found.files} == {n: d for n, d in FILES.items() if n.endswith("png")}
    assert found.sidecars["list.txt"].read() == b"a list"
    assert os.listdir(tmp_path) == [f"data.{kind}"]  # nothing is ever extracted


@pytest.mark.parametrize("kind", KINDS)
def test_a_folder_that_holds_one_archive(tmp_path, kind):
    make(tmp_path / f"data.{kind}", FILES)
    (tmp_path / "other.npz").write_bytes(b"x")
    found = list_media_files(tmp_path, PNG)
    assert len(found.files) == 40
    assert found.notes == (f"read data.{kind}; left out in the same folder: other.npz",)


def test_two_archives_in_a_folder_are_one_too_many(tmp_path):
    make(tmp_path / "a.zip", FILES)
    make(tmp_path / "b.tar", FILES)
    with pytest.raises(InputError, match=r"holds 2 archives \(a.zip, b.tar\): name the one to read"):
        list_media_files(tmp_path, PNG)


@pytest.mark.parametrize("kind", ["zip", "stored.zip", "tar"])
def test_addresses_read_the_same_bytes(tmp_path, kind):
    for item in list_media_files(make(tmp_path / f"data.{kind}", FILES), PNG).files:
        assert read_address(item.address) == FILES[item.name]


def test_an_address_after_the_archive_changed(tmp_path):
    path = make(tmp_path / "a.zip", {"1.png": b"old", "2.png": b"x"})
    first, second = (item.address for item in list_media_files(path, PNG).files)
    assert read_address(first) == b"old"
    make(path, {"1.png": b"newer"})
    assert read_address(first) == b"newer"
    with pytest.raises(UnreadableFileError, match="no longer in the archive"):
        read_address(second)


def test_a_packed_tar_has_no_addresses(tmp_path):
    assert {item.address for item in list_media_files(make(tmp_path / "a.tar.gz", FILES), PNG).files} == {None}


@pytest.mark.parametrize("kind", KINDS)
def test_many_threads_read_at_once(tmp_path, kind):
    found = list_media_files(make(tmp_path / f"data.{kind}", FILES), PNG)
    with ThreadPoolExecutor(8) as pool:
        for _ in range(5):
            for item, data in zip(found.files, pool.map(lambda item: item.read(), found.files)):
                assert data == FILES[item.name]


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz"])
def test_names_that_lead_out_are_only_names(tmp_path, kind):
    inside = tmp_path / "in"
    inside.mkdir()
    bad = {"../../evil.png": b"1", "/etc/evil.png": b"2", "a/./b/../c.png": b"3", "C:\\x\\w.png": b"4"}
    found = list_media_files(make(inside / f"a.{kind}", bad), PNG)
    assert sorted(found.names) == sorted(["evil.png", "etc/evil.png", "a/b/c.png", "C:/x/w.png"])
    assert os.listdir(tmp_path) == ["in"]


@pytest.mark.parametrize("kind", ["tar", "tar.gz"])
def test_links_and_devices_in_a_tar_are_skipped(tmp_path, kind):
    path = tmp_path / f"a.{kind}"
    with tarfile.open(path, "w:gz" if kind.endswith("gz") else "w:") as archive:
        for name, what in [("l.png", tarfile.SYMTYPE), ("h.png", tarfile.LNKTYPE), ("d.png", tarfile.CHRTYPE)]:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = what, "/etc/passwd"
            archive.addfile(member)
        member = tarfile.TarInfo("ok.png")
        member.size = 2
        archive.addfile(member, io.BytesIO(b"ok"))
    assert [(item.name, item.read()) for item in list_media_files(path, PNG).files] == [("ok.png", b"ok")]


def test_a_link_in_a_zip_is_skipped(tmp_path):
    path = make(tmp_path / "a.zip", {"ok.png": b"ok"})
    with zipfile.ZipFile(path, "a") as archive:
        link = zipfile.ZipInfo("link.png")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    assert list_media_files(path, PNG).names == ["ok.png"]


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path):
    path = make(tmp_path / "a.zip", {f"{n}.png": bytes(40 << 20) for n in range(7)})
    assert path.stat().st_size < 1 << 20
    with pytest.raises(InputError, match="decompression bomb"):
        list_media_files(path, PNG)


def test_a_tar_bomb_is_refused_on_the_way(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "FREE_BYTES", 4 << 20)
    path = make(tmp_path / "a.tar.gz", {f"{n}.png": bytes(1 << 20) for n in range(7)})
    with pytest.raises(InputError, match="decompression bomb"):
        list_media_files(path, PNG)
    # Its unwanted members and its headers count as well.
    path = make(tmp_path / "b.tar.gz", {f"{n}.bin": bytes(1 << 20) for n in range(7)})
    with pytest.raises(InputError, match="decompression bomb"):
        list_media_files(path, PNG)


def test_a_tar_that_claims_an_enormous_member(tmp_path):
    member = tarfile.TarInfo("1.png")
    member.size = 1 << 40
    (tmp_path / "a.tar.gz").write_bytes(gzip.compress(member.tobuf() + b"short"))
    with pytest.raises(InputError, match="would unpack to 1,099,511,627,776"):
        list_media_files(tmp_path / "a.tar.gz", PNG)
    (tmp_path / "a.tar").write_bytes(member.tobuf() + b"short")
    with pytest.raises(InputError, match="truncated or damaged"):
        list_media_files(tmp_path / "a.tar", PNG)
    (tmp_path / "a.tar").write_bytes(member.tobuf() + bytes(1024))
    with pytest.raises(InputError, match="truncated or damaged"):
        list_media_files(tmp_path / "a.tar", PNG)


def test_packed_files_beyond_what_memory_may_hold(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MAX_HELD_BYTES", 1000)
    with pytest.raises(InputError, match="unpack it into a folder"):
        list_media_files(make(tmp_path / "a.tar.gz", FILES), PNG)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.7])
def test_a_truncated_archive_is_one_line(tmp_path, kind, share):
    path = make(tmp_path / f"a.{kind}", FILES)
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(InputError, match=r"truncated or damaged|empty file") as caught:
        list_media_files(path, PNG)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_random_bytes_called_an_archive(tmp_path):
    for kind in KINDS:
        path = tmp_path / f"a.{kind}"
        for head in (b"", b"PK\x03\x04", b"\x1f\x8b\x08", b"BZh9", b"\xfd7zXZ\0"):
            path.write_bytes(head + bytes(range(200)) * 20)
            with pytest.raises(InputError, match="truncated or damaged"):
                list_media_files(path, PNG)


def test_a_damaged_and_an_encrypted_member_are_unreadable_alone(tmp_path):
    path = make(tmp_path / "a.stored.zip", {"1.png": b"first" * 20, "2.png": b"second" * 20, "3.png": b"third" * 20})
    data = path.read_bytes().replace(b"first" * 20, b"FIRST" * 20)
    at = data.rindex(b"3.png") - 46 + 8  # the flags in the central directory: encrypted
    path.write_bytes(data[:at] + b"\x01" + data[at + 1 :])
    first, second, third = list_media_files(path, PNG).files
    with pytest.raises(UnreadableFileError, match=r"damaged in the archive.*CRC"):
        first.read()
    assert second.read() == b"second" * 20
    with pytest.raises(UnreadableFileError, match="encrypted in the archive"):
        third.read()


def test_of_two_members_with_one_name_the_later_holds(tmp_path):
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w:") as archive:
        for data in (b"old", b"newer"):
            member = tarfile.TarInfo("1.png")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    assert [item.read() for item in list_media_files(path, PNG).files] == [b"newer"]


def test_too_many_members(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MAX_MEMBERS", 20)
    for kind in ("zip", "tar", "tar.gz"):
        with pytest.raises(InputError, match="more than 20 files"):
            list_media_files(make(tmp_path / f"a.{kind}", FILES), PNG)


def test_an_archive_is_opened_once(tmp_path):
    """Items of one archive share it: they are not one open file each."""
    found = list_media_files(make(tmp_path / "a.zip", FILES), PNG)
    reads = {id(item.read.func.__self__) for item in found.files if isinstance(item.read, partial)}
    assert len(reads) == 1
