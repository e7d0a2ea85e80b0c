"""How large a run may be."""

from collections.abc import Mapping

from fmnist_jax.errors import UserError

MAX_CASES = 100_000  # more are a mistake, and slow to enumerate


def check_size(points: Mapping[str, int], cases: int) -> None:
    """Refuse a plan of more than `MAX_CASES` cases.

    Args:
        points: of each model's grid, 1 without a grid.
        cases: of all models and seeds together.

    Raises:
        UserError: there are more.
    """
    for name, count in points.items():
        if count > MAX_CASES:
            raise UserError(f"grid.{name} has more than {MAX_CASES:,} points: name fewer values")
    if cases > MAX_CASES:
        raise UserError(
            f"this plan has {cases:,} cases, more than the {MAX_CASES:,} that one run may have: "
            "name fewer seeds, models or values"
        )
