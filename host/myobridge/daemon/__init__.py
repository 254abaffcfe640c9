"""The daemon: one run from the open port to the summary, with its notices, requests and statistics."""
