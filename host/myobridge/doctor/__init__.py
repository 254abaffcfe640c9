"""What is wrong with this hand, this computer and the electrodes on this arm: facts are gathered, then judged."""
