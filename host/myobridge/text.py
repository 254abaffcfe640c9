"""Text for people that holds pieces of foreign files, names and frames."""


def printable(text: str) -> str:
    """Without what would control a terminal or break a table's row."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
