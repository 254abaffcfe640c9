"""The permission to move the hand: ARM, DISARM and ESTOP from every asker, and the memory of an emergency stop."""
