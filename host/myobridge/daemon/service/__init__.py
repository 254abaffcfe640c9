"""The daemon as a service of the system: what it tells systemd, and what `install-service` writes."""
