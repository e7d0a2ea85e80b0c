"""Read and write the IDX format: a magic number, big-endian sizes, then the bytes.

Only unsigned bytes are supported, plain or gzipped, as the MNIST family has them. A
`ValueError` says what is wrong with the content; the caller adds the file's name.
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
    """Return the magic number and the sizes that precede an array's bytes."""
    return struct.pack(f">BBBB{len(shape)}I", 0, 0, _UNSIGNED_BYTE, len(shape), *shape)


def encode(array: Bytes) -> bytes:
    """Return the decompressed file of `array`, a uint8 array of any shape."""
    return encode_header(array.shape) + array.tobytes()


def decode(data: bytes) -> Bytes:
    """Return the array of a decompressed file.

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
    """Return the array in the file at `path`, gzipped or not.

    Raises:
        ValueError: the gzip or the IDX content is damaged.
        OSError: the file cannot be read.
    """
    return decode(decompress(path.read_bytes()))


def decompress(data: bytes) -> bytes:
    """Decompress gzip data; return other data unchanged.

    Repeats, since a server may gzip a file that is gzipped already.

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
    """Return the hex MD5 of the decompressed file of `array`.

    The published identity of these files; their gzip wrapping varies from
    mirror to mirror.
    """
    digest = hashlib.md5(encode_header(array.shape), usedforsecurity=False)
    digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
