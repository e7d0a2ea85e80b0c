import gzip
import hashlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from fmnist_jax.data.idx import format as idx

PICTURE = np.arange(2 * 28 * 28, dtype=np.uint8).reshape(2, 28, 28)


@given(arrays(np.uint8, array_shapes(max_dims=4)))
def test_decode_inverts_encode(array: idx.Bytes) -> None:
    decoded = idx.decode(idx.encode(array))
    np.testing.assert_array_equal(decoded, array)
    assert decoded.shape == array.shape


def test_header_is_the_published_one() -> None:
    # The first 16 bytes of train-images-idx3-ubyte.
    assert idx.encode_header((60000, 28, 28)).hex() == "000008030000ea600000001c0000001c"


@pytest.mark.parametrize("name", ["images.gz", "images"])
def test_read_takes_both_forms(tmp_path: Path, name: str) -> None:
    data = idx.encode(PICTURE)
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    np.testing.assert_array_equal(idx.read(tmp_path / name), PICTURE)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "is empty"),
        (b"\0\0", "not an IDX file"),
        (b"<html>404 not found</html>", "not an IDX file"),
        (b"\0\0\x0d\x03" + bytes(100), "not an IDX file"),  # floats
        (idx.encode(PICTURE)[:9], "ends within its IDX header"),
        (idx.encode(PICTURE)[:-1], "1567 bytes where its header"),
        (idx.encode(PICTURE) + b"\0", "1569 bytes where its header"),
    ],
)
def test_decode_refuses(data: bytes, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        idx.decode(data)


@given(st.data())
def test_damaged_gzip_is_never_read_as_something_else(data: st.DataObject) -> None:
    whole = gzip.compress(idx.encode(PICTURE))
    damaged = bytearray(whole)
    if data.draw(st.booleans()):
        del damaged[data.draw(st.integers(0, len(whole) - 1)) :]
    else:
        damaged[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        decoded = idx.decode(idx.decompress(bytes(damaged)))
    except ValueError:
        return
    # A time stamp in the gzip header may change without harm.
    np.testing.assert_array_equal(decoded, PICTURE)


def test_md5_is_that_of_the_decompressed_file() -> None:
    assert idx.md5(PICTURE) == hashlib.md5(idx.encode(PICTURE)).hexdigest()
    strided = np.asfortranarray(PICTURE)
    assert idx.md5(strided) == idx.md5(PICTURE)
