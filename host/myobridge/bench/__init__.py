"""Measures, without hardware, how fast this machine is: `myobridge bench`."""
