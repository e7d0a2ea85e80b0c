"""Format figures for a person."""

MISSING = "–"


def seconds(value: float) -> str:
    """Format a duration: "0.8 ms", "3.2 s", "5 m 07 s", "2 h 05 m"."""
    if value < 1:
        return f"{value * 1e3:.3g} ms"
    if value < 119.5:
        return f"{value:.3g} s"
    whole = round(value)
    if whole < 7200:
        return f"{whole // 60} m {whole % 60:02d} s"
    minutes = round(value / 60)
    return f"{minutes // 60:,} h {minutes % 60:02d} m"


def count(value: float) -> str:
    """Format a whole number with thousands set apart."""
    return f"{value:,.0f}"


def rate(value: float) -> str:
    """Format operations per second with a prefix: "154 G"."""
    for prefix, unit in (("P", 1e15), ("T", 1e12), ("G", 1e9)):
        if value >= unit:
            return f"{value / unit:.3g} {prefix}"
    return f"{value / 1e6:.3g} M"


def size(value: float) -> str:
    """Format bytes in binary units: "1.4 GiB"."""
    return f"{value / 2**30:.2f} GiB" if value >= 2**30 else f"{value / 2**20:.0f} MiB"


def joules(value: float) -> str:
    """Format an energy: "3.2 mJ", "1.2 kJ"."""
    for prefix, unit in (("M", 1e6), ("k", 1e3), ("", 1.0)):
        if value >= unit:
            return f"{value / unit:.3g} {prefix}J"
    return f"{value * 1e3:.3g} mJ"


def share(value: float) -> str:
    """Format a share in whole percent."""
    return f"{100 * value:.0f}%"


def percentage(value: float) -> str:
    """Format a share in percent with two decimals."""
    return f"{100 * value:.2f}%"


def percentage_points(value: float) -> str:
    """Format a difference of shares with its sign: "+1.24"."""
    return f"{100 * value:+.2f}"


def interval(low: float, high: float) -> str:
    """Format an interval of shares in percent: "92.73–93.72"."""
    return f"{100 * low:.2f}–{100 * high:.2f}"


def decimal(value: float) -> str:
    """Format a figure with three decimals."""
    return f"{value:.3f}"


def small(value: float) -> str:
    """Format a figure with four decimals."""
    return f"{value:.4f}"
