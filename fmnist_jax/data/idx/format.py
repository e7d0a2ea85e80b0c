"""The IDX format of the MNIST family: a magic number, big-endian sizes, then the bytes.

Only what the family uses: unsigned bytes, plain or gzipped. Problems are
`ValueError`s that say what is wrong with the content; who knows the file and
the next step puts them into a message.
"""

import gzip
import hashlib
import math
import struct
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]

_UNSIGNED_BYTE = 0x08
_GZIP = b"\x1f\x8b"


def encode_header(shape: tuple[int, ...]) -> bytes:
    """The magic number and the sizes that precede an array's bytes."""
    return struct.pack(f">BBBB{len(shape)}I", 0, 0, _UNSIGNED_BYTE, len(shape), *shape)


def encode(array: Bytes) -> bytes:
    """The decompressed file that holds `array`, a uint8 array of any shape."""
    return encode_header(array.shape) + array.tobytes()


def decode(data: bytes) -> Bytes:
    """The array that a decompressed file holds.

    Args:
        data: the whole file.

    Returns:
        A read-only uint8 view of `data`, of the shape that its header gives.

    Raises:
        ValueError: empty, wrong magic number, or sizes that the bytes do not fill.
    """
    if not data:
        raise ValueError("is empty")
    if len(data) < 4 or data[:3] != bytes((0, 0, _UNSIGNED_BYTE)):
        raise ValueError(f"is not an IDX file of unsigned bytes (it starts with {data[:4].hex()})")
    start = 4 + 4 * data[3]
    if len(data) < start:
        raise ValueError("ends within its IDX header")
    shape = struct.unpack(f">{data[3]}I", data[4:start])
    if len(data) - start != math.prod(shape):
        raise ValueError(
            f"has {len(data) - start} bytes where its header {shape} promises {math.prod(shape)}"
        )
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape)


def read(path: Path) -> Bytes:
    """The array in the file at `path`, gzipped or not, whatever its name says.

    Raises:
        ValueError: the gzip or the IDX content is damaged.
        OSError: the file cannot be read.
    """
    return decode(decompress(path.read_bytes()))


def decompress(data: bytes) -> bytes:
    """The content of a gzip file; any other data as it is.

    A server may have gzipped a file that was gzipped already, so it is done repeatedly.

    Raises:
        ValueError: it is truncated or damaged.
    """
    try:
        while data.startswith(_GZIP):
            data = gzip.decompress(data)
        return data
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ValueError(f"is not a complete gzip file ({error})") from error


def md5(array: Bytes) -> str:
    """Hex MD5 of the decompressed file that holds `array`.

    The published identity of these files; their gzip wrapping varies from
    mirror to mirror.
    """
    digest = hashlib.md5(encode_header(array.shape), usedforsecurity=False)
    digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
