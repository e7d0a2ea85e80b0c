"""Charts of the page, one file per question; plotly's JavaScript draws them when they are seen."""

from bench.reporting.html.charts.calibration import calibration
from bench.reporting.html.charts.chart import Chart
from bench.reporting.html.charts.classes import confusion, per_class
from bench.reporting.html.charts.hardware import hardware
from bench.reporting.html.charts.learning import learning, time_to_accuracy
from bench.reporting.html.charts.official import official
from bench.reporting.html.charts.peers import peers
from bench.reporting.html.charts.robustness import robustness
from bench.reporting.html.charts.tradeoff import tradeoff

# In the order of the page; each takes a `Source` and returns None where it has nothing to show.
CHARTS = {
    chart.__name__: chart
    for chart in (
        tradeoff,
        learning,
        time_to_accuracy,
        confusion,
        per_class,
        calibration,
        robustness,
        hardware,
        official,
        peers,
    )
}
__all__ = ["CHARTS", "Chart"]
