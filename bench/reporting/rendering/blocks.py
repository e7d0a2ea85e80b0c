"""Regenerate the marked blocks of a Markdown file, one for each section.

A block is named after its section, "accuracy", after the section and the machines that it shows,
"accuracy amd-zen4-2c", or after these and the value of a column, "compare part=speed".
"""

import re
from collections.abc import Callable
from pathlib import Path

from fmnist_jax.errors import UserError
from fmnist_jax.system.files import write_atomically

_BLOCK = re.compile(
    r"(<!-- fmnist-jax (\w+(?: [\w=-]+)*): begin -->\n).*?(<!-- fmnist-jax \2: end -->)", re.DOTALL
)


def write_blocks(path: Path, make: Callable[[str], str]) -> list[str]:
    """Replace what stands between the markers of each block, and return their names.

    Args:
        path: a file with `<!-- fmnist-jax NAME: begin -->` and `... NAME: end -->`.
        make: returns the new text of the block of this name.

    Raises:
        UserError: no such file, or it has no block.
    """
    try:
        before = path.read_text(encoding="utf-8")
        names = [found[2] for found in _BLOCK.finditer(before)]
        if not names:
            raise UserError(
                f"{path} has no block to regenerate: add the lines "
                "<!-- fmnist-jax accuracy: begin --> and <!-- fmnist-jax accuracy: end --> to it"
            )
        after = _BLOCK.sub(lambda found: f"{found[1]}{make(found[2])}{found[3]}", before)
        write_atomically(path, after.encode())
    except OSError as error:
        raise UserError(f"cannot write the tables to {path}: {error.strerror}") from None
    return names
