"""Write files whole or not at all."""

import errno
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fmnist_jax.errors import UserError


def write_atomically(path: Path, content: bytes) -> None:
    """Replace the content of `path` in one step: a reader sees the old file or the new one.

    A symbolic link is followed, so that its target changes and the link stays. A file that
    exists keeps its mode; a new one gets the mode that the process's umask allows.

    Args:
        path: in a folder that exists.
        content: of the whole file.

    Raises:
        OSError: the file cannot be written; the old one is left as it was.
    """
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.partial")
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            temporary.chmod(target.stat().st_mode)
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def check_writable(folder: Path) -> None:
    """Create `folder` and a file in it that is removed at once.

    Raises:
        OSError: the folder cannot be created or written to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder):
        pass


@contextmanager
def written_whole(folder: Path) -> Iterator[Path]:
    """Yield a folder whose files move to `folder` when all of them are written.

    Raises:
        UserError: `folder` cannot be written to; nothing is left behind.
    """
    added: list[Path] = []
    whole, partial = False, None
    try:
        added = [path for path in (folder, *folder.parents) if not path.exists()]
        check_writable(folder)
        partial = Path(tempfile.mkdtemp(dir=folder, prefix=".", suffix=".partial"))
        yield partial
        written = sorted(partial.iterdir())
        for path in written:
            if (folder / path.name).is_dir() and not path.is_dir():
                raise IsADirectoryError(errno.EISDIR, f"{path.name} is a folder there")
        for path in written:
            path.replace(folder / path.name)
        whole = True
    except OSError as error:
        raise UserError(
            f"cannot write to the folder {folder}: {error.strerror or error}; "
            "choose another with --out"
        ) from error
    finally:
        if partial:
            shutil.rmtree(partial, ignore_errors=True)
        if not whole and added:
            shutil.rmtree(added[-1], ignore_errors=True)
