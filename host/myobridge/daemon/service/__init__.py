"""The daemon as a systemd service: the files and commands of `install-service`."""
