"""The live view: a page in the browser, served by its own process beside the daemon."""
