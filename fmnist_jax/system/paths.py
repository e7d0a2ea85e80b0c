"""Turn text that a person wrote into a path, and find the user's cache folder.

Every option and environment variable that names a file or folder passes through
`parse_path`, so that each way to fail is one line that names the path.
"""

import errno
import logging
import os
import stat
import tempfile
from functools import cache
from pathlib import Path

import platformdirs

from fmnist_jax.errors import UserError

log = logging.getLogger("fmnist_jax")

CACHE_VARIABLE = "FMNIST_CACHE_DIR"

# What is missing or closed to this user is the business of the code that uses the path.
_DECIDED_LATER = (errno.ENOENT, errno.ENOTDIR, errno.EACCES)


def parse_path(text: str | Path) -> Path:
    """Make an absolute path of `text`, with `~` and `~user` expanded.

    Raises:
        UserError: it is empty, holds a character that no path can hold, is too
            long, or is relative to a home or a current folder that does not exist.
    """
    text = os.fspath(text)
    shown = repr(text if len(text) <= 80 else f"{text[:77]}...")
    if not text.strip():
        raise UserError("an empty path was given: name a file or folder")
    try:
        path = Path(text).expanduser().absolute()
    except RuntimeError:
        raise UserError(f"{shown}: this home folder is unknown, write the path out") from None
    except OSError:
        raise UserError(f"{shown}: the current folder is gone, change to another") from None
    try:
        path.lstat()
    except ValueError as error:  # a NUL, or a character that the file system cannot spell
        raise UserError(f"{shown} is not a path ({error})") from None
    except OSError as error:
        if error.errno not in _DECIDED_LATER:
            raise UserError(f"{shown} is not a path ({error.strerror})") from None
    return path


def folder_problem(folder: Path) -> str:
    """Say why `folder` cannot be listed; empty where it can."""
    try:
        with os.scandir(folder):
            return ""
    except FileNotFoundError:
        if folder.is_symlink():
            return f"is a link to {folder.readlink()}, which does not exist"
        return "does not exist"
    except NotADirectoryError:
        return "is not a folder"
    except OSError as error:
        return f"cannot be read ({error.strerror})"


def default_cache_dir() -> Path:
    """Return `FMNIST_CACHE_DIR`, or this user's cache folder, or one for temporary files.

    The last serves a user without a home, as in a container, and comes with a warning.

    Raises:
        UserError: no folder for temporary files can be written either.
    """
    if chosen := os.environ.get(CACHE_VARIABLE):
        try:
            return parse_path(chosen)
        except UserError as error:
            raise UserError(f"{error} ({CACHE_VARIABLE} names the folder)") from None
    try:
        path = platformdirs.user_cache_path("fmnist-jax")
    except RuntimeError:
        return _temporary_cache_dir()
    return path if path.is_absolute() else _temporary_cache_dir()


@cache  # one warning, and one folder, per process
def _temporary_cache_dir() -> Path:
    try:
        parent = Path(tempfile.gettempdir())
        folder = parent / f"fmnist-jax-{os.getuid()}"
        folder.mkdir(mode=0o700, exist_ok=True)
        status = folder.lstat()
        # Compiled programs are kept in it, so another user's folder will not do.
        if (
            not stat.S_ISDIR(status.st_mode)
            or status.st_uid != os.getuid()
            or status.st_mode & 0o022
        ):
            folder = Path(tempfile.mkdtemp(prefix="fmnist-jax-"))
    except OSError as error:
        raise UserError(
            f"no folder for temporary files can be written ({error.strerror}): "
            f"name one with {CACHE_VARIABLE}"
        ) from None
    log.warning(
        "this user has no home folder: the cache is in %s, name a lasting one with %s",
        folder,
        CACHE_VARIABLE,
    )
    return folder
