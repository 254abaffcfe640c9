"""The live view: a page in the browser, served by a process of its own beside the daemon."""
