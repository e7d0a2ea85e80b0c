"""The report as one HTML file that fetches nothing: the sections' tables, charts and pictures."""
