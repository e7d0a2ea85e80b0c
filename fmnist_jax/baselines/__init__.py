"""The classical baselines, one file per scikit-learn family."""
