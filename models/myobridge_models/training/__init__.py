"""Training: segments, cached features, the recipe, and the checkpoint that comes out."""
