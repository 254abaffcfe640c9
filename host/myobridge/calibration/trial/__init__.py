"""Online trials: how well the wearer moves the hand, measured with the wearer in the loop.

In the order of the data: `targets.py` chooses what is asked, `course.py` asks it, `attempt.py` and `fitts.py` measure,
`judge.py` makes the result from the records of the log, `session.py` connects all of them with a daemon, a file and a
screen. [host/TRIAL.md](../../../TRIAL.md) explains the measures.
"""
