"""The daemon: one run from the open port to the summary, and everything that a run tells and is told."""
