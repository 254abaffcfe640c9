"""The paired phones: a private file that is whole or absent, and keys that nobody guesses."""

import json
import os
import stat

import pytest

from myobridge.errors import UserError
from myobridge.view.phones import MAX_NAME, MAX_PHONES, STORE, Phones, phone_number


@pytest.fixture
def phones(tmp_path):
    return Phones(tmp_path / "state")


def test_a_paired_phone_is_kept_until_it_is_revoked(phones):
    anna = phones.pair("Anna's phone")
    other = phones.pair()
    assert [phone.name for phone in phones.read()] == ["Anna's phone", "phone 1"]
    assert phones.revoke("Anna's phone") == anna
    assert phones.read() == [other]
    phones.revoke("phone 1")
    assert phones.read() == []


def test_each_key_is_new_and_its_public_number_is_not_the_key(phones):
    made = [phones.pair() for _ in range(MAX_PHONES)]
    assert len({phone.key for phone in made}) == MAX_PHONES
    for phone in made:
        assert phone.number == phone_number(phone.key)
        assert phone.number not in phone.key
        assert len(phone.date) == len("2026-11-30")


def test_the_file_and_its_folder_belong_to_the_person_alone(phones, tmp_path):
    before = os.umask(0)
    try:
        phones.pair()
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "state" / STORE).stat().st_mode) == 0o600


def test_an_interrupted_write_leaves_the_previous_phones(phones, tmp_path, monkeypatch):
    phones.pair("Anna")
    monkeypatch.setattr("myobridge.files.force", lambda _path: (_ for _ in ()).throw(OSError(28, "No space left")))
    with pytest.raises(UserError, match="No space left"):
        phones.pair("Ben")
    assert [phone.name for phone in phones.read()] == ["Anna"]
    assert [path.name for path in (tmp_path / "state").iterdir()] == [STORE]


@pytest.mark.parametrize("name", ["Anna", "A" * (MAX_NAME + 1)])
def test_a_name_that_is_taken_or_too_long_is_refused(phones, name):
    phones.pair("Anna")
    with pytest.raises(UserError, match=r"paired already|too long"):
        phones.pair(name)


def test_there_is_room_for_a_few_phones_only(phones):
    for _ in range(MAX_PHONES):
        phones.pair()
    with pytest.raises(UserError, match="revoke a phone"):
        phones.pair()


def test_an_unknown_name_is_answered_with_the_known_ones(phones):
    phones.pair("Anna")
    with pytest.raises(UserError, match=r"No phone named Ben is paired \(paired: Anna"):
        phones.revoke("Ben")


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[1]", b"\xff", json.dumps([{"name": "x", "key": "short", "paired": 1}]).encode(), b"[" * 10_000],
)
def test_a_damaged_file_lets_nobody_in_and_says_so(phones, tmp_path, content):
    phones.pair()
    (tmp_path / "state" / STORE).write_bytes(content)
    with pytest.raises(UserError, match="no phone is let in"):
        phones.read()


def test_a_change_of_the_file_is_seen(phones):
    stamps = [phones.stamp]
    phones.pair()
    stamps.append(phones.stamp)
    phones.revoke("phone 1")
    stamps.append(phones.stamp)
    assert len(set(stamps)) == 3
