"""The one exception that a user's mistake or a bad device raises."""


class UserError(Exception):
    """One sentence: what is wrong, where, and what to do. Printed without a traceback; the exit code is 1."""
