"""A cache of compiled programs that is used, damaged and out of reach, each in its own process."""

import logging
from pathlib import Path

import jax
import pytest

from fmnist_jax.training import jax_cache
from tests.support import starting

PROGRAM = """
import json, logging, sys
from pathlib import Path
import jax, jax.numpy as jnp
from fmnist_jax.training import jax_cache
messages = []
class Keep(logging.Handler):
    def emit(self, record):
        messages.append(record.getMessage())
logging.getLogger("fmnist_jax").addHandler(Keep())
jax_cache.keep(Path(sys.argv[1]))
with jax_cache.watched() as use:
    compiled = jax.jit(lambda x: jnp.sin(x) @ x).lower(jnp.ones((4, 4))).compile()
value = float(compiled(jnp.ones((4, 4)))[0, 0])
print(json.dumps({"cached": use.cached, "value": value, "messages": messages}))
"""


def start(folder: Path) -> dict:
    return starting.start(PROGRAM, folder)


def test_the_second_start_reads_what_the_first_compiled_also_after_damage(tmp_path):
    first, second = start(tmp_path), start(tmp_path)
    assert (first["cached"], second["cached"]) == (False, True)
    entries = [path for path in tmp_path.rglob("*-cache") if "lambda" in path.name]
    assert entries
    for path in entries:
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    damaged, mended, after = start(tmp_path), start(tmp_path), start(tmp_path)
    assert (damaged["cached"], mended["cached"], after["cached"]) == (False, False, True)
    assert len(damaged["messages"]) == 1
    assert "damaged" in damaged["messages"][0]
    assert not mended["messages"] + after["messages"] + first["messages"]
    assert {made["value"] for made in (first, second, damaged, mended, after)} == {first["value"]}


def test_a_folder_that_cannot_be_made_costs_a_warning(tmp_path):
    (tmp_path / "file").touch()
    told = start(tmp_path / "file")
    assert told["cached"] is None
    assert "every start compiles anew" in told["messages"][0]


def test_a_folder_chosen_by_the_user_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(jax_cache, "_processor", lambda: pytest.fail("has looked further"))
    jax.config.update("jax_compilation_cache_dir", str(tmp_path))
    try:
        jax_cache.keep(tmp_path / "another")
    finally:
        jax.config.update("jax_compilation_cache_dir", None)
    assert not (tmp_path / "another").exists()


def test_other_warnings_pass(recwarn):
    import warnings

    warnings.simplefilter("always")
    with jax_cache.watched():
        warnings.warn("about something else", UserWarning, stacklevel=1)
    assert [str(warning.message) for warning in recwarn] == ["about something else"]


def test_nobody_listens_afterwards():
    with jax_cache.watched() as use:
        pass
    jax.monitoring.record_event("/jax/compilation_cache/cache_hits")
    assert use.hits == 0
    assert logging.getLogger("fmnist_jax") is jax_cache.log
