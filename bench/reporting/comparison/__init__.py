"""Compare the records of two machines: measures from raw samples, their ratios, and tests."""
