"""A sentence for people is one line that a terminal can print, whatever it quotes."""

from myobridge.errors import UserError


def test_text_from_a_file_cannot_control_the_terminal():
    sentence = str(UserError("cfg: unknown key 'a\x1b[2J\nb'; correct it."))
    assert sentence.isprintable()
    assert sentence == "cfg: unknown key 'a\ufffd[2J\ufffdb'; correct it."


def test_a_long_quotation_loses_its_middle():
    sentence = str(UserError(f"cfg: unknown key '{'k' * 100_000}'; correct it."))
    assert len(sentence) < 1100
    assert sentence.startswith("cfg: unknown key") and "…" in sentence
    assert sentence.endswith("correct it.")
