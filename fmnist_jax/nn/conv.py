"""Two-dimensional convolution whose gradients are lowered for the backend at hand.

`Conv` takes the place of `flax.linen.Conv`: the same parameters, the same result.
What differs is how a CPU computes the two gradients. XLA:CPU has a fast convolution
for one form only (NHWC, HWIO, no reversal), the usual gradients are not of it, and
inside `lax.scan` nothing rewrites them: they fall to a naive loop, ten times slower.
Here each is written in a form that is fast as it stands; NOTES.md has the measurements.
Accelerators keep the ordinary gradients.
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
# Both gradients take the batch a few images at a time, so that what they make of it
# stays in a core's second-level cache. Half or double is nearly as good.
_IMAGES = 8  # input gradient
_POSITIONS = 800  # kernel gradient: pixels of the result, over images
_NO_PADS: Pads = ((0, 0), (0, 0))
_WIDE = 6  # columns from which one more costs less than it saves

# Layers of equal shape are traced and lowered once: half of the time to a second start.
_traced_once = partial(jax.jit, static_argnames=("strides", "pads"))


def conv2d(
    x: jax.Array, kernel: jax.Array, *, strides: int = 1, padding: Padding = "SAME"
) -> jax.Array:
    """Cross-correlate images with a bank of filters.

    Args:
        x: float [n, height, width, ci].
        kernel: float [kh, kw, ci, co], of the same dtype.
        strides: step along both spatial axes.
        padding: SAME or VALID, as in `lax.conv_general_dilated`.

    Returns:
        Same dtype, [n, height', width', co].
    """
    rows, columns = lax.padtype_to_pads(x.shape[1:3], kernel.shape[:2], (strides, strides), padding)
    return _conv(x, kernel, strides, ((rows[0], rows[1]), (columns[0], columns[1])))


@_traced_once
def _forward(x: jax.Array, kernel: jax.Array, strides: int, pads: Pads) -> jax.Array:
    kh, kw, ci, _ = kernel.shape
    columns = x.shape[2] - kw + 1
    if pads != _NO_PADS or strides > 1 or kh == kw == 1 or ci == 1 or columns < _WIDE:
        return _plain(x, kernel, strides, pads)
    # XLA:CPU keeps its fastest kernel for padded images: make a column more, and drop it.
    y: jax.Array = lax.platform_dependent(
        x,
        kernel,
        cpu=lambda x, kernel: _plain(x, kernel, 1, ((0, 0), (0, 1)))[:, :, :columns],
        default=partial(_plain, strides=1, pads=pads),
    )
    return y


def _plain(x: jax.Array, kernel: jax.Array, strides: int, pads: Pads) -> jax.Array:
    y: jax.Array = lax.conv_general_dilated(
        x, kernel, (strides, strides), pads, dimension_numbers=_LAYOUT
    )
    return y


# With no gradient to keep anything for, XLA:CPU runs the plain form with what follows in
# one pass, of which tricks would only keep it.
_conv = jax.custom_vjp(_plain, nondiff_argnums=(2, 3))


def _conv_fwd(
    x: jax.Array, kernel: jax.Array, strides: int, pads: Pads
) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    return _forward(x, kernel, strides, pads), (x, kernel)


def _conv_bwd(
    strides: int, pads: Pads, residuals: tuple[jax.Array, jax.Array], dy: jax.Array
) -> tuple[jax.Array, jax.Array]:
    # Two computations that share nothing: the one nobody asks for is never run.
    dx, dk = (
        lax.platform_dependent(
            *residuals,
            dy,
            cpu=partial(on_cpu, strides=strides, pads=pads),
            default=partial(elsewhere, strides=strides, pads=pads),
        )
        for on_cpu, elsewhere in (
            (_input_gradient_cpu, _input_gradient),
            (_kernel_gradient_cpu, _kernel_gradient),
        )
    )
    return dx, dk


_conv.defvjp(_conv_fwd, _conv_bwd)


@_traced_once
def _input_gradient(
    x: jax.Array, kernel: jax.Array, dy: jax.Array, *, strides: int, pads: Pads
) -> jax.Array:
    dx: jax.Array
    (dx,) = jax.vjp(lambda x: _forward(x, kernel, strides, pads), x)[1](dy)
    return dx


@_traced_once
def _kernel_gradient(
    x: jax.Array, kernel: jax.Array, dy: jax.Array, *, strides: int, pads: Pads
) -> jax.Array:
    dk: jax.Array
    (dk,) = jax.vjp(lambda k: _forward(x, k, strides, pads), kernel)[1](dy)
    return dk


@_traced_once
def _input_gradient_cpu(
    x: jax.Array, kernel: jax.Array, dy: jax.Array, *, strides: int, pads: Pads
) -> jax.Array:
    kh, kw = kernel.shape[:2]
    (top, bottom), (left, right) = pads
    if dy.shape[1:3] == x.shape[1:3]:
        # The forward pass, with the kernel turned around and its ends exchanged.
        turned = kernel[::-1, ::-1].swapaxes(2, 3)
        around = ((kh - 1 - top, kh - 1 - bottom), (kw - 1 - left, kw - 1 - right))
        return _forward(dy, turned, 1, around)

    # Where the image shrinks, that would mostly multiply zeros. Instead, one product
    # per tap of the kernel, added to the pixels that the tap has read.
    dtype = jnp.promote_types(dy.dtype, jnp.float32)

    def one(dy: jax.Array) -> jax.Array:
        total = jnp.zeros(x.shape[1:], dtype)
        for i in range(kh):
            for j in range(kw):
                tap = jnp.einsum("hwo,io->hwi", dy, kernel[i, j], preferred_element_type=dtype)
                places = [
                    (first, size - 1 - first - (out - 1) * strides, strides - 1)
                    for size, out, first in zip(
                        x.shape[1:3], dy.shape[:2], (i - top, j - left), strict=True
                    )
                ]
                total += lax.pad(tap, jnp.zeros((), dtype), [*places, (0, 0, 0)])
        return total.astype(dy.dtype)

    dx: jax.Array = lax.map(one, dy, batch_size=_IMAGES)
    return dx


@_traced_once
def _kernel_gradient_cpu(
    x: jax.Array, kernel: jax.Array, dy: jax.Array, *, strides: int, pads: Pads
) -> jax.Array:
    kh, kw, ci, co = kernel.shape
    n, rows, columns, _ = dy.shape
    dtype = jnp.promote_types(x.dtype, jnp.float32)

    # Both give [ci, kh, kw, co]; the sum over chunks is transposed, not each of them.
    def by_taps(x: jax.Array, dy: jax.Array) -> jax.Array:
        # im2col: what each tap has read, times the gradient of what it gave.
        x = jnp.pad(x, ((0, 0), *pads, (0, 0)))
        height, width = (rows - 1) * strides + 1, (columns - 1) * strides + 1
        taps = [  # not by indexing, which takes long to trace
            lax.slice(
                x, (0, i, j, 0), (len(x), i + height, j + width, ci), (1, strides, strides, 1)
            )
            for i in range(kh)
            for j in range(kw)
        ]
        dk = jnp.tensordot(
            jnp.stack(taps), dy, ((1, 2, 3), (0, 1, 2)), preferred_element_type=dtype
        )
        return dk.swapaxes(0, 1).reshape(ci, kh, kw, co)

    def by_convolution(x: jax.Array, dy: jax.Array) -> jax.Array:
        # The channels are its batch, the batch its channels, dy its kernel: the usual
        # gradient, but with the axes brought into the order of the fast form.
        dk: jax.Array = lax.conv_general_dilated(
            x.transpose(3, 1, 2, 0),
            dy.transpose(1, 2, 0, 3),
            (1, 1),
            pads,
            dimension_numbers=_LAYOUT,
            preferred_element_type=dtype,
        )
        return dk

    if ci == 1 or kh == kw == 1:
        return by_taps(x, dy).transpose(1, 2, 0, 3).astype(kernel.dtype)
    form = by_convolution if strides == 1 else by_taps
    size = min(n, 1 << (max(1, _POSITIONS // (rows * columns)).bit_length() - 1))
    missing = -n % size  # images of zeros add nothing
    chunks = [
        jnp.pad(a, ((0, missing), (0, 0), (0, 0), (0, 0))).reshape(-1, size, *a.shape[1:])
        for a in (x, dy)
    ]
    dk: jax.Array = lax.map(lambda chunk: form(*chunk), chunks).sum(0)
    return dk.transpose(1, 2, 0, 3).astype(kernel.dtype)


class Conv(nn.Module):
    """Convolution with a square kernel; parameters as in `flax.linen.Conv`.

    Attributes:
        features: channels of the result.
        kernel_size: side of the kernel.
        strides: step along both spatial axes.
        padding: SAME or VALID.
        use_bias: add a bias per channel.
        add_bias: False leaves the bias to what follows, as `BatchNorm`'s shift.
        dtype: of the computation; None takes that of inputs and parameters.
        kernel_init: initialiser of the kernel.
    """

    features: int
    kernel_size: int = 3
    strides: int = 1
    padding: Padding = "SAME"
    use_bias: bool = True
    add_bias: bool = True
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
        if bias is None or not self.add_bias:
            return y
        return y + bias.reshape(1, 1, 1, -1)
