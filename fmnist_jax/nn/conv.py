"""Two-dimensional convolution whose three passes are lowered for the backend at hand.

`Conv` takes the place of `flax.linen.Conv`: the same parameters, the same result.
What differs is how the forward pass and the two gradients are computed on a CPU,
where XLA reaches its fast convolution only in one exact form, and inside `lax.scan`
not even then for the gradients. NOTES.md has the measurements.
"""

from functools import partial
from typing import Literal, TypeAlias

import jax
import jax.numpy as jnp
from flax import linen as nn
from flax.linen.dtypes import promote_dtype
from flax.typing import Dtype, Initializer
from jax import lax

Padding: TypeAlias = Literal["SAME", "VALID"]
Pads: TypeAlias = tuple[tuple[int, int], tuple[int, int]]

_LAYOUT = ("NHWC", "HWIO", "NHWC")
_CHUNK = 8  # images whose patches still sit in a core's second-level cache


def conv2d(
    x: jax.Array, kernel: jax.Array, *, strides: int = 1, padding: Padding = "SAME"
) -> jax.Array:
    """Cross-correlate images with a bank of filters.

    Args:
        x: float [n, height, width, ci].
        kernel: float [k, k, ci, co], of the same dtype.
        strides: step along both spatial axes.
        padding: SAME or VALID, as in `lax.conv_general_dilated`.

    Returns:
        Same dtype, [n, height', width', co].
    """
    window = kernel.shape[:2]
    pads = lax.padtype_to_pads(x.shape[1:3], window, (strides, strides), padding)
    (top, bottom), (left, right) = pads
    return _conv(x, kernel, strides, ((top, bottom), (left, right)))


@partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def _conv(x: jax.Array, kernel: jax.Array, strides: int, pads: Pads) -> jax.Array:
    return lax.platform_dependent(
        x,
        kernel,
        cpu=partial(_forward_cpu, strides=strides, pads=pads),
        default=partial(_lax_conv, strides=strides, pads=pads),
    )


def _conv_fwd(
    x: jax.Array, kernel: jax.Array, strides: int, pads: Pads
) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    return _conv(x, kernel, strides, pads), (x, kernel)


def _conv_bwd(
    strides: int, pads: Pads, residuals: tuple[jax.Array, jax.Array], dy: jax.Array
) -> tuple[jax.Array, jax.Array]:
    # Two computations that share nothing: the one nobody asks for is never run.
    x, kernel = residuals
    dx = lax.platform_dependent(
        x,
        kernel,
        dy,
        cpu=partial(_input_gradient_cpu, strides=strides, pads=pads),
        default=partial(_input_gradient_lax, strides=strides, pads=pads),
    )
    dk = lax.platform_dependent(
        x,
        kernel,
        dy,
        cpu=partial(_kernel_gradient_cpu, strides=strides, pads=pads),
        default=partial(_kernel_gradient_lax, strides=strides, pads=pads),
    )
    return dx, dk


_conv.defvjp(_conv_fwd, _conv_bwd)


def _lax_conv(x: jax.Array, kernel: jax.Array, *, strides: int, pads: Pads) -> jax.Array:
    return lax.conv_general_dilated(x, kernel, (strides, strides), pads, dimension_numbers=_LAYOUT)


def _input_gradient_lax(
    x: jax.Array, kernel: jax.Array, dy: jax.Array, *, strides: int, pads: Pads
) -> jax.Array:
    (dx,) = jax.vjp(lambda x: _lax_conv(x, kernel, strides=strides, pads=pads), x)[1](dy)
    return dx


def _kernel_gradient_lax(
    x: jax.Array, kernel: jax.Array, dy: jax.Array, *, strides: int, pads: Pads
) -> jax.Array:
    (dk,) = jax.vjp(lambda k: _lax_conv(x, k, strides=strides, pads=pads), kernel)[1](dy)
    return dk


def _forward_cpu(x: jax.Array, kernel: jax.Array, *, strides: int, pads: Pads) -> jax.Array:
    if kernel.shape[2] > 1:
        return _lax_conv(x, kernel, strides=strides, pads=pads)
    x = jnp.pad(x, ((0, 0), *pads, (0, 0)))
    patches = _patches(x, kernel.shape[0], kernel.shape[1], strides)
    return jnp.tensordot(patches, kernel.reshape(-1, kernel.shape[3]), 1)


def _input_gradient_cpu(
    x: jax.Array, kernel: jax.Array, dy: jax.Array, *, strides: int, pads: Pads
) -> jax.Array:
    kh, kw = kernel.shape[:2]
    config = [(0, 0, 0)]
    for size, out, k, (low, _) in zip(x.shape[1:3], dy.shape[1:3], (kh, kw), pads, strict=True):
        dilated = (out - 1) * strides + 1
        before = k - 1 - low
        config.append((before, size + k - 1 - before - dilated, strides - 1))
    dy = lax.pad(dy, jnp.zeros((), dy.dtype), [*config, (0, 0, 0)])
    flipped = kernel[::-1, ::-1].swapaxes(2, 3)
    return _lax_conv(dy, flipped, strides=1, pads=((0, 0), (0, 0)))


def _kernel_gradient_cpu(
    x: jax.Array, kernel: jax.Array, dy: jax.Array, *, strides: int, pads: Pads
) -> jax.Array:
    kh, kw, ci, co = kernel.shape
    x = jnp.pad(x, ((0, 0), *pads, (0, 0)))

    def add(total: jax.Array, chunk: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, None]:
        x, dy = chunk
        patches = _patches(x, kh, kw, strides).reshape(-1, kh * kw * ci)
        product = jnp.matmul(patches.T, dy.reshape(-1, co), preferred_element_type=total.dtype)
        return total + product, None

    n = x.shape[0]
    size = min(n, _CHUNK)
    whole = n - n % size if size else 0
    total = jnp.zeros((kh * kw * ci, co), jnp.promote_types(x.dtype, jnp.float32))
    if whole:
        chunks = [a[:whole].reshape(whole // size, size, *a.shape[1:]) for a in (x, dy)]
        total, _ = lax.scan(add, total, (chunks[0], chunks[1]))
    if n > whole:
        total, _ = add(total, (x[whole:], dy[whole:]))
    return total.reshape(kernel.shape).astype(kernel.dtype)


def _patches(x: jax.Array, kh: int, kw: int, strides: int) -> jax.Array:
    """Gather every window of x [n, h, w, ci]: [n, h', w', kh * kw * ci]."""
    rows = (x.shape[1] - kh) // strides + 1
    columns = (x.shape[2] - kw) // strides + 1
    windows = [
        x[
            :,
            i : i + (rows - 1) * strides + 1 : strides,
            j : j + (columns - 1) * strides + 1 : strides,
        ]
        for i in range(kh)
        for j in range(kw)
    ]
    return jnp.concatenate(windows, axis=-1)


class Conv(nn.Module):
    """Convolution with a square kernel; parameters as in `flax.linen.Conv`.

    Attributes:
        features: channels of the result.
        kernel_size: side of the kernel.
        strides: step along both spatial axes.
        padding: SAME or VALID.
        use_bias: add a bias per channel.
        dtype: of the computation; None takes that of inputs and parameters.
        kernel_init: initialiser of the kernel.
    """

    features: int
    kernel_size: int = 3
    strides: int = 1
    padding: Padding = "SAME"
    use_bias: bool = True
    dtype: Dtype | None = None
    kernel_init: Initializer = nn.initializers.he_normal()

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """Map float [n, height, width, ci] to [n, height', width', features]."""
        shape = (self.kernel_size, self.kernel_size, x.shape[-1], self.features)
        kernel = self.param("kernel", self.kernel_init, shape, jnp.float32)
        bias = None
        if self.use_bias:
            bias = self.param("bias", nn.initializers.zeros_init(), (self.features,), jnp.float32)
        x, kernel, bias = promote_dtype(x, kernel, bias, dtype=self.dtype)
        y = conv2d(x, kernel, strides=self.strides, padding=self.padding)
        return y if bias is None else y + bias
