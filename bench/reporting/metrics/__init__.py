"""The metrics, by what they measure; `bench/reporting/metric.py` finds them."""
