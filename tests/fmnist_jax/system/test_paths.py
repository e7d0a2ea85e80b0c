import contextlib
import os
import pwd
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fmnist_jax.errors import UserError
from fmnist_jax.system import paths

ROOT = Path(__file__).parents[3]


def test_home_and_current_folder_are_written_out(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert paths.parse_path("~/x") == paths.parse_path("x") == tmp_path / "x"
    assert paths.parse_path(Path("~")) == tmp_path


def test_what_is_not_there_is_a_path_nevertheless(tmp_path):
    (tmp_path / "file").touch()
    assert paths.parse_path(f"{tmp_path}/absent/x") == tmp_path / "absent" / "x"
    assert paths.parse_path(f"{tmp_path}/file/x") == tmp_path / "file" / "x"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "an empty path was given"),
        ("  ", "an empty path was given"),
        ("a\0b", "'a\\x00b' is not a path (embedded null byte)"),
        ("\ud800", "is not a path"),
        ("x" * 300, "xxx...' is not a path (File name too long)"),
        ("~no-such-user/x", "'~no-such-user/x': this home folder is unknown"),
    ],
)
def test_what_is_no_path_is_one_line(text, problem):
    with pytest.raises(UserError) as caught:
        paths.parse_path(text)
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)


def test_links_in_a_circle(tmp_path):
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    with pytest.raises(UserError, match="Too many levels of symbolic links"):
        paths.parse_path(tmp_path / "a" / "x")


def test_current_folder_that_is_gone(tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(UserError, match="the current folder is gone"):
        paths.parse_path("x")


@given(st.text(st.characters(exclude_categories=[])))
def test_any_text_is_a_path_or_one_line(text):
    with contextlib.suppress(UserError):
        assert paths.parse_path(text).is_absolute()


def test_problems_of_a_folder(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("absent")
    assert paths.folder_problem(tmp_path) == ""
    assert paths.folder_problem(tmp_path / "absent") == "does not exist"
    assert paths.folder_problem(tmp_path / "file") == "is not a folder"
    assert paths.folder_problem(tmp_path / "file" / "x") == "is not a folder"
    assert paths.folder_problem(tmp_path / "link") == "is a link to absent, which does not exist"


def test_the_cache_folder_of_the_environment(monkeypatch):
    monkeypatch.setenv("FMNIST_CACHE_DIR", "/somewhere")
    assert paths.default_cache_dir() == Path("/somewhere")
    monkeypatch.delenv("FMNIST_CACHE_DIR")
    assert paths.default_cache_dir().name == "fmnist-jax"
    monkeypatch.setenv("FMNIST_CACHE_DIR", "~no-such-user")
    with pytest.raises(UserError, match=r"unknown.*\(FMNIST_CACHE_DIR names the folder\)"):
        paths.default_cache_dir()


@pytest.fixture
def homeless(tmp_path, monkeypatch):
    """A user without HOME and without an entry in the password file; the temporary folder."""
    for name in ("HOME", "XDG_CACHE_HOME", "FMNIST_CACHE_DIR"):
        monkeypatch.delenv(name, raising=False)

    def absent(uid):
        raise KeyError(f"getpwuid(): uid not found: {uid}")

    monkeypatch.setattr(pwd, "getpwuid", absent)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    paths._temporary_cache_dir.cache_clear()
    yield tmp_path
    paths._temporary_cache_dir.cache_clear()


def test_without_a_home_the_cache_is_temporary_and_said_so_once(homeless, caplog):
    folder = paths.default_cache_dir()
    assert folder == paths.default_cache_dir() == homeless / f"fmnist-jax-{os.getuid()}"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert caplog.text.count("this user has no home folder") == 1


def test_a_temporary_cache_that_others_can_write_is_not_used(homeless):
    (homeless / f"fmnist-jax-{os.getuid()}").mkdir()
    (homeless / f"fmnist-jax-{os.getuid()}").chmod(0o777)
    folder = paths.default_cache_dir()
    assert folder.name.startswith("fmnist-jax-")
    assert folder.stat().st_mode & 0o777 == 0o700


def test_no_folder_at_all_is_one_line(homeless, monkeypatch):
    (homeless / "file").touch()
    monkeypatch.setattr(tempfile, "tempdir", str(homeless / "file"))
    with pytest.raises(UserError, match="no folder for temporary files can be written"):
        paths.default_cache_dir()


def test_a_home_that_nobody_knows_ends_no_program(tmp_path):
    """As in a container: a bare environment, and a uid that the system has no name for."""
    code = (
        "import pwd, sys\n"
        "def absent(uid): raise KeyError(uid)\n"
        "pwd.getpwuid = absent\n"
        "from fmnist_jax.system.paths import default_cache_dir\n"
        "print(default_cache_dir())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={"TMPDIR": str(tmp_path)},
    )
    assert done.stdout.strip() == str(tmp_path / f"fmnist-jax-{os.getuid()}"), done.stderr
    assert "this user has no home folder" in done.stderr
