"""Comparisons: folds, baselines, ablations, robustness, and people that no network has met."""
