import os
from pathlib import Path

import pytest

from fmnist_jax.errors import UserError
from fmnist_jax.system.files import check_writable, write_atomically, written_whole


def test_a_new_file_has_the_mode_of_the_umask(tmp_path):
    before = os.umask(0o027)
    try:
        write_atomically(tmp_path / "file", b"content")
    finally:
        os.umask(before)
    assert (tmp_path / "file").read_bytes() == b"content"
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("mode", [0o600, 0o664, 0o755])
def test_an_existing_file_keeps_its_mode(tmp_path, mode):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(mode)
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == mode


def test_a_link_stays_and_its_target_changes(tmp_path):
    target = tmp_path / "elsewhere" / "target"
    target.parent.mkdir()
    target.write_bytes(b"old")
    (tmp_path / "first").symlink_to(target)
    (tmp_path / "second").symlink_to("first")
    write_atomically(tmp_path / "second", b"new")
    assert (tmp_path / "second").is_symlink()
    assert (tmp_path / "first").is_symlink()
    assert target.read_bytes() == b"new"
    assert list(target.parent.iterdir()) == [target]


def test_a_link_to_nothing_creates_its_target(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "target")
    write_atomically(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_bytes() == b"new"


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_atomically(path, b"old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_is_created_and_left_empty(tmp_path):
    folder = tmp_path / "a" / "b"
    check_writable(folder)
    assert list(folder.iterdir()) == []
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="Not a directory"):
        check_writable(tmp_path / "file" / "folder")


@pytest.mark.parametrize("call", ["stat", "mkdir"])
def test_a_folder_in_one_that_is_closed_is_one_line(tmp_path, monkeypatch, call):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, call, refuse)
    with (
        pytest.raises(UserError, match=r"cannot write to .*Permission denied; choose another"),
        written_whole(tmp_path / "closed" / "out"),
    ):
        pass


def write(folder, names, fault=None):
    with written_whole(folder) as partial:
        for name in names:
            (partial / name).touch()
        if fault:
            raise fault


@pytest.mark.parametrize("fault", [KeyboardInterrupt, UserError("no"), OSError(28, "No space")])
def test_what_fails_in_between_leaves_nothing_not_even_the_folders_above(tmp_path, fault):
    with pytest.raises((KeyboardInterrupt, UserError)):
        write(tmp_path / "new" / "out", "a", fault)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_the_place_of_a_file_leaves_all_as_it_was(tmp_path):
    (tmp_path / "b").mkdir()
    with pytest.raises(UserError, match="b is a folder there"):
        write(tmp_path, "ab")
    assert [path.name for path in tmp_path.iterdir()] == ["b"]
