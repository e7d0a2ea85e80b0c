"""The first layer of a network in one operation: convolution, bias, max pooling and relu.

The result of a first convolution is the largest array of a training step, and
pooling throws three quarters of it away. In training on a CPU it is made for two images at a
time and pooled while it is in the core's cache; what stays for the gradient is a
byte per result, with a bit for the place in its window that gave it. Accelerators run the
operations as they are.
"""

from functools import partial, reduce

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from flax.linen.dtypes import promote_dtype
from flax.typing import Dtype, Initializer
from jax import lax

from fmnist_jax.nn.conv import Padding, conv2d
from fmnist_jax.nn.pool import max_pool

_IMAGES = 2  # at a time: 28x28x32 in float32 are 0.1 MB an image


def conv_pool(
    x: jax.Array,
    kernel: jax.Array,
    bias: jax.Array,
    *,
    padding: Padding = "SAME",
    window: int = 2,
) -> jax.Array:
    """`relu(max_pool(conv2d(x, kernel)) + bias)`, with the same gradients.

    That is also the pooling of relu(convolution + bias), since bias and relu keep the
    order of values.

    Args:
        x: float [n, height, width, ci].
        kernel: float [kh, kw, ci, co], of the same dtype.
        bias: float [co], of the same dtype.
        padding: of the convolution, SAME or VALID.
        window: side of the pooling windows, and their distance.

    Returns:
        Same dtype, [n, height' // window, width' // window, co], where height' and
        width' are the convolution's.

    Raises:
        ValueError: if not a single window fits into the convolution's result.
    """
    if x.shape[3] > 1:  # patches of many channels cost more than they save
        return _plain(x, kernel, bias, padding, window)
    return _conv_pool(x, kernel, bias, padding, window)


def _plain(
    x: jax.Array, kernel: jax.Array, bias: jax.Array, padding: Padding, window: int
) -> jax.Array:
    y = max_pool(conv2d(x, kernel, padding=padding), window)
    return nn.relu(y + bias.reshape(1, 1, 1, -1))


# With no gradient to keep anything for, XLA runs it with what follows in one pass.
_conv_pool = jax.custom_vjp(_plain, nondiff_argnums=(3, 4))


Residuals = tuple[jax.Array, jax.Array, jax.Array, jax.Array]


def _fwd(
    x: jax.Array, kernel: jax.Array, bias: jax.Array, padding: Padding, window: int
) -> tuple[jax.Array, Residuals]:
    # A bit for the place in its window of each maximum; none where relu let nothing through.
    code = np.min_scalar_type(2 ** (window**2) - 1)

    def on_cpu(x: jax.Array, kernel: jax.Array, bias: jax.Array) -> tuple[jax.Array, jax.Array]:
        placed = _placed(kernel, window)

        def one(patches: jax.Array) -> tuple[jax.Array, jax.Array]:
            views = _views(patches, placed, window)
            largest = reduce(jnp.maximum, views)
            place = jnp.full(largest.shape, 1 << (window**2 - 1), code)
            for number in reversed(range(window**2 - 1)):  # on a tie the first takes it
                place = jnp.where(views[number] >= largest, code.type(1 << number), place)
            y = nn.relu(largest + bias)
            return y, jnp.where(y > 0, place, code.type(0))

        return lax.map(one, _patches(x, kernel, padding, window), batch_size=_IMAGES)

    def default(x: jax.Array, kernel: jax.Array, bias: jax.Array) -> tuple[jax.Array, jax.Array]:
        y = _plain(x, kernel, bias, padding, window)
        return y, jnp.zeros(y.shape, code)  # which nothing reads

    y, places = lax.platform_dependent(x, kernel, bias, cpu=on_cpu, default=default)
    return y, (x, kernel, bias, places)


def _bwd(
    padding: Padding, window: int, residuals: Residuals, dy: jax.Array
) -> tuple[jax.Array, jax.Array, jax.Array]:
    # Off the CPU the compiler finds the forward pass repeated here, and keeps the first.
    x, kernel, bias, places = residuals
    plain = partial(_plain, padding=padding, window=window)

    # Two computations that share nothing: the one nobody asks for is never run.
    dx: jax.Array
    (dx,) = jax.vjp(lambda x: plain(x, kernel, bias), x)[1](dy)

    def elsewhere(
        x: jax.Array, kernel: jax.Array, bias: jax.Array, places: jax.Array, dy: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        gradients: tuple[jax.Array, jax.Array]
        gradients = jax.vjp(lambda kernel, bias: plain(x, kernel, bias), kernel, bias)[1](dy)
        return gradients

    on_cpu = partial(_gradients_cpu, padding=padding, window=window)
    dk, db = lax.platform_dependent(x, kernel, bias, places, dy, cpu=on_cpu, default=elsewhere)
    return dx, dk, db


_conv_pool.defvjp(_fwd, _bwd)


def _gradients_cpu(
    x: jax.Array,
    kernel: jax.Array,
    bias: jax.Array,
    places: jax.Array,
    dy: jax.Array,
    *,
    padding: Padding,
    window: int,
) -> tuple[jax.Array, jax.Array]:
    """Of kernel and bias."""
    placed, back = jax.vjp(partial(_placed, window=window), kernel)
    dtype = jnp.promote_types(x.dtype, jnp.float32)

    def one(chunk: tuple[jax.Array, ...]) -> tuple[jax.Array, jax.Array]:
        patches, places, dy = (a.reshape(-1, a.shape[-1]) for a in chunk)
        # By the bit's value, not by a comparison, which bytes make slow without AVX-512.
        bits = places.astype(jnp.int32)
        dz = jnp.concatenate([dy * ((bits >> place) & 1) for place in range(window**2)], -1)
        dk = jnp.tensordot(patches, dz, ((0,), (0,)), preferred_element_type=dtype)
        return dk, dz.sum(0, dtype=dtype)

    missing = -len(x) % _IMAGES  # a gradient of zero adds nothing
    chunks = [
        jnp.pad(a, ((0, missing), (0, 0), (0, 0), (0, 0))).reshape(-1, _IMAGES, *a.shape[1:])
        for a in (_patches(x, kernel, padding, window), places, dy)
    ]
    dk, db = (total.sum(0) for total in lax.map(one, chunks))
    return back(dk.astype(placed.dtype))[0], db.reshape(window**2, -1).sum(0).astype(bias.dtype)


def _views(patches: jax.Array, placed: jax.Array, window: int) -> list[jax.Array]:
    """The convolution at each place of the windows."""
    return jnp.split(patches @ placed, window**2, axis=-1)


def _placed(kernel: jax.Array, window: int) -> jax.Array:
    """The kernel at every place of a window, as columns: [taps, window * window * co]."""
    rest = range(window)
    columns = [
        jnp.pad(kernel[:, :, 0], ((i, window - 1 - i), (j, window - 1 - j), (0, 0)))
        for i in rest
        for j in rest
    ]
    stacked = jnp.concatenate(columns, -1)
    return stacked.reshape(-1, stacked.shape[-1])


def _patches(x: jax.Array, kernel: jax.Array, padding: Padding, window: int) -> jax.Array:
    """What the windows of a one-channel image read: [n, h', w', taps]."""
    kh, kw = kernel.shape[:2]
    pads = lax.padtype_to_pads(x.shape[1:3], (kh, kw), (1, 1), padding)
    x = jnp.pad(x[..., 0], ((0, 0), *pads))
    rows, columns = ((x.shape[1] - kh + 1) // window, (x.shape[2] - kw + 1) // window)
    height, width = ((rows - 1) * window + 1, (columns - 1) * window + 1)
    taps = [  # not by indexing, which takes long to trace
        lax.slice(x, (0, i, j), (len(x), i + height, j + width), (1, window, window))
        for i in range(kh + window - 1)
        for j in range(kw + window - 1)
    ]
    return jnp.stack(taps, -1)


class ConvPool(nn.Module):
    """`conv_pool` as a layer; parameters as in `Conv`.

    Attributes:
        features: channels of the result.
        kernel_size: side of the kernel.
        padding: of the convolution, SAME or VALID.
        window: side of the pooling windows.
        dtype: of the computation; None takes that of inputs and parameters.
        kernel_init: initialiser of the kernel.
    """

    features: int
    kernel_size: int = 3
    padding: Padding = "SAME"
    window: int = 2
    dtype: Dtype | None = None
    kernel_init: Initializer = nn.initializers.he_normal()

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """Map float [n, height, width, ci] to [n, height'', width'', features]."""
        shape = (self.kernel_size, self.kernel_size, x.shape[-1], self.features)
        kernel = self.param("kernel", self.kernel_init, shape, jnp.float32)
        bias = self.param("bias", nn.initializers.zeros_init(), (self.features,), jnp.float32)
        x, kernel, bias = promote_dtype(x, kernel, bias, dtype=self.dtype)
        return conv_pool(x, kernel, bias, padding=self.padding, window=self.window)
