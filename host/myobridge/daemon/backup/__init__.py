"""One file that holds a wearer's models, settings and servo limits."""
