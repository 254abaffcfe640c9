"""Who must prove a pairing, how often a light page hears, and which models a page may name."""

import asyncio
from pathlib import Path
from types import SimpleNamespace

import pytest

from myobridge.errors import UserError
from myobridge.model.generations import Generations
from myobridge.model.shipped import shipped_models
from myobridge.view.asides import Asides
from myobridge.view.door import Door, _is_here
from myobridge.view.pace import LIGHT_S, Pace
from myobridge.view.page import Findings
from myobridge.view.phones import Phones


def connection(peer, host):
    return SimpleNamespace(remote_address=(peer, 5000), request=SimpleNamespace(headers={"Host": host}))


@pytest.mark.parametrize(
    ("peer", "host", "is_here"),
    [
        ("127.0.0.1", "localhost:8765", True),
        ("127.0.0.1", "127.0.0.1:8765", True),
        ("::1", "[::1]:8765", True),
        ("192.168.1.9", "localhost:8765", False),
        ("192.168.1.9", "127.0.0.1", False),
        ("127.0.0.1", "192.168.1.5:8765", False),
        ("127.0.0.1", "evil.example", False),
        ("127.0.0.1", "", False),
    ],
)
def test_only_a_page_of_this_computer_by_its_own_name_needs_no_proof(peer, host, is_here):
    assert _is_here(connection(peer, host)) is is_here


def test_damaged_phones_let_nobody_in(tmp_path):
    phones = Phones(tmp_path)
    door = Door(phones)
    phones.pair("Anna")
    assert door.look()
    assert door.is_open
    (tmp_path / "phones.json").write_text("{")
    assert door.look()
    assert not door.is_open
    assert not door.look()


def look(**changes):
    calibration = SimpleNamespace(step="idle", index=0)
    values = {"state": "ARMED", "note": "", "blocked": "", "estop": False, "calibration": calibration}
    return SimpleNamespace(**(values | changes))


def test_a_light_page_hears_five_times_a_second_and_at_once_when_something_happens():
    now_s = 0.0
    pace = Pace(LIGHT_S, lambda: now_s)
    heard = []
    for i in range(250):
        now_s = i / 25
        heard.append(pace.is_due(look()))
    assert 45 <= sum(heard) <= 50
    now_s += LIGHT_S / 10
    assert pace.is_due(look(state="HOLD"))
    assert not pace.is_due(look(state="HOLD"))
    assert pace.is_due(look(state="HOLD", calibration=SimpleNamespace(step="hold", index=2)))


@pytest.mark.parametrize("key", ["", "shipped:none", "shipped:../x", "/etc/passwd", "generation:1", "generation:-1"])
def test_a_page_names_no_file_and_no_model_that_is_gone(tmp_path, monkeypatch, key):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    with pytest.raises(UserError, match="choose another model"):
        Asides(str(tmp_path / "hand")).prepared(key)


def test_a_shipped_model_is_named_as_it_is():
    name = next(iter(shipped_models()))
    assert Asides("/dev/null").prepared(f"shipped:{name}")[0] == name


def test_a_generation_that_the_daemon_refuses_is_taken_back(tmp_path, monkeypatch):
    generations = Generations(tmp_path / "mine.onnx")
    old, new = (Path(path).read_bytes() for path in list(shipped_models().values())[:2])
    for model in (old, new):
        generations.keep(model, "a score", "a test")
    asides = Asides("/dev/null")
    monkeypatch.setattr(asides, "_running", lambda: generations.mine)
    path, put_back = asides.prepared("generation:1")
    assert (path, generations.mine.read_bytes()) == (str(generations.mine), old)
    put_back()
    assert generations.mine.read_bytes() == new


def test_phones_that_could_not_be_read_once_are_read_again(tmp_path, monkeypatch):
    phones = Phones(tmp_path)
    phones.pair("Anna")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", lambda *_: (_ for _ in ()).throw(OSError(24, "Too many open files")))
        door = Door(phones)
    assert not door.is_open
    assert door.look() and door.is_open


def test_pages_that_ask_for_a_check_while_one_runs_share_its_findings(monkeypatch):
    asides, told, begun, go_on = Asides("/dev/null"), [], [], asyncio.Event()

    async def checked(_asides):
        begun.append(True)
        await go_on.wait()
        return Findings(running=False, ok="fine", findings=[])

    monkeypatch.setattr(Asides, "_checked", checked)

    async def story():
        asking = [asyncio.create_task(asides.answer("check", told.append)) for _ in range(50)]
        await asyncio.sleep(0)
        go_on.set()
        await asyncio.gather(*asking)
        await asides.answer("check", told.append)

    asyncio.run(story())
    assert len(begun) == 2
    assert [message.ok for message in told if not message.running] == ["fine"] * 51
