"""What this machine can do, without hardware: `myobridge bench`."""
