"""The diary of a hand: what happened, kept on this computer, told as days."""
