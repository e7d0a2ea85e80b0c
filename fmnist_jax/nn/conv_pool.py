"""Convolution and max pooling in one, for the first layer of a network.

The result of a first convolution is the largest array of a training step, and
pooling throws three quarters of it away. On a CPU it is made for two images at a
time, pooled while it is in the core's cache, and made again for the gradients.
Accelerators run the two operations as they are.
"""

from functools import partial, reduce

import jax
import jax.numpy as jnp
from flax import linen as nn
from flax.linen.dtypes import promote_dtype
from flax.typing import Dtype, Initializer
from jax import lax

from fmnist_jax.nn.conv import Padding, conv2d
from fmnist_jax.nn.pool import max_pool, to_first_maximum

_IMAGES = 2  # at a time: 28x28x32 in float32 are 0.1 MB an image


def conv_pool(
    x: jax.Array, kernel: jax.Array, *, padding: Padding = "SAME", window: int = 2
) -> jax.Array:
    """`max_pool(conv2d(x, kernel))`, with the same gradients.

    Args:
        x: float [n, height, width, ci].
        kernel: float [kh, kw, ci, co], of the same dtype.
        padding: of the convolution, SAME or VALID.
        window: side of the pooling windows, and their distance.

    Returns:
        Same dtype, [n, height' // window, width' // window, co], where height' and
        width' are the convolution's.
    """
    return _conv_pool(x, kernel, padding, window)


def _plain(x: jax.Array, kernel: jax.Array, padding: Padding, window: int) -> jax.Array:
    return max_pool(conv2d(x, kernel, padding=padding), window)


@partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def _conv_pool(x: jax.Array, kernel: jax.Array, padding: Padding, window: int) -> jax.Array:
    plain = partial(_plain, padding=padding, window=window)
    if x.shape[3] > 1:  # patches of many channels cost more than they save
        return plain(x, kernel)

    def on_cpu(x: jax.Array, kernel: jax.Array) -> jax.Array:
        placed = _placed(kernel, window)

        def one(patches: jax.Array) -> jax.Array:
            return reduce(jnp.maximum, jnp.split(patches @ placed, window**2, axis=-1))

        y: jax.Array = lax.map(one, _patches(x, kernel, padding, window), batch_size=_IMAGES)
        return y

    y: jax.Array = lax.platform_dependent(x, kernel, cpu=on_cpu, default=plain)
    return y


def _fwd(
    x: jax.Array, kernel: jax.Array, padding: Padding, window: int
) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    return _conv_pool(x, kernel, padding, window), (x, kernel)


def _bwd(
    padding: Padding, window: int, residuals: tuple[jax.Array, jax.Array], dy: jax.Array
) -> tuple[jax.Array, jax.Array]:
    # Off the CPU the compiler finds the forward pass repeated here, and keeps the first.
    x, kernel = residuals
    plain = partial(_plain, padding=padding, window=window)

    def input_gradient(x: jax.Array, kernel: jax.Array, dy: jax.Array) -> jax.Array:
        dx: jax.Array
        (dx,) = jax.vjp(lambda x: plain(x, kernel), x)[1](dy)
        return dx

    def kernel_gradient(x: jax.Array, kernel: jax.Array, dy: jax.Array) -> jax.Array:
        dk: jax.Array
        (dk,) = jax.vjp(lambda kernel: plain(x, kernel), kernel)[1](dy)
        return dk

    if x.shape[3] > 1:
        return input_gradient(x, kernel, dy), kernel_gradient(x, kernel, dy)
    on_cpu = partial(_kernel_gradient_cpu, padding=padding, window=window)
    return (
        input_gradient(x, kernel, dy),
        lax.platform_dependent(x, kernel, dy, cpu=on_cpu, default=kernel_gradient),
    )


_conv_pool.defvjp(_fwd, _bwd)


def _kernel_gradient_cpu(
    x: jax.Array, kernel: jax.Array, dy: jax.Array, *, padding: Padding, window: int
) -> jax.Array:
    placed, back = jax.vjp(partial(_placed, window=window), kernel)
    dtype = jnp.promote_types(x.dtype, jnp.float32)

    def one(chunk: tuple[jax.Array, jax.Array]) -> jax.Array:
        patches, dy = chunk
        views = jnp.split(patches @ placed, window**2, axis=-1)
        dz = jnp.concatenate(to_first_maximum(views, dy), -1)
        return jnp.tensordot(patches, dz, ((0, 1, 2), (0, 1, 2)), preferred_element_type=dtype)

    patches = _patches(x, kernel, padding, window)
    missing = -len(x) % _IMAGES  # a gradient of zero adds nothing
    chunks = [
        jnp.pad(a, ((0, missing), (0, 0), (0, 0), (0, 0))).reshape(-1, _IMAGES, *a.shape[1:])
        for a in (patches, dy)
    ]
    dk: jax.Array
    (dk,) = back(lax.map(one, chunks).sum(0).astype(placed.dtype))
    return dk


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
    """relu(max_pool(conv(x) + bias)); parameters as in `Conv`.

    Bias and relu keep the order of values, so they are applied to what is left
    after pooling.

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
        y = conv_pool(x, kernel, padding=self.padding, window=self.window)
        return nn.relu(y + bias.reshape(1, 1, 1, -1))
