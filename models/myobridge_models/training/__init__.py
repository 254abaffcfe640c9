"""Training: segments, cached features, the recipe, and the checkpoint of an interrupted training."""
