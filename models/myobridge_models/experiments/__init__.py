"""Comparisons: folds, baselines, ablations, robustness, and people whom no network has seen."""
