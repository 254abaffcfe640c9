"""The wearer's morning: a press of the button, acted poses, and a model for today."""
