"""The commands of `myobridge-models`, one module each."""
