"""The doctor's judgement: each finding has facts that show it, and a healthy hand has none."""

import tomllib
from pathlib import Path

import pytest
from msgspec.structs import replace

from myobridge.decoder.contact import Contact
from myobridge.doctor.checks import BAD_ONNXRUNTIME, check_all
from myobridge.doctor.facts import BoardFacts, ChannelFacts, Facts, PortFacts, StreamFacts, SystemFacts
from myobridge.doctor.findings import BAD, KINDS, WARNING
from myobridge.doctor.report import as_json, as_text


def channel(**changes) -> ChannelFacts:
    facts = {
        "name": "ulnar",
        "contact": "good",
        "contact_share": 1.0,
        "range_counts": 60.0,
        "mains_share": 0.3,
        "mains_counts": 1.5,
        "noise_counts": 3.0,
        "noise_share": 0.006,
        "clench_counts": 30.0,
    }
    return ChannelFacts(**(facts | changes))


HEALTHY = Facts(
    port=PortFacts(path="/dev/ttyACM0", exists=True, permitted=True, group="dialout"),
    system=SystemFacts(
        python_bits=64,
        onnxruntime="1.22.0",
        governors=("performance",) * 4,
        throttled=0,
        may_fifo=True,
        may_lock=True,
        disk_free_mb=20_000,
        inference_ms=0.2,
        hop_ms=5.0,
    ),
    source="port",
    device=BoardFacts(
        board="mega2560",
        firmware="0.1.0",
        protocol_matches=True,
        reset_cause="external",
        adc_bits=10,
        measures_supply=True,
    ),
    stream=StreamFacts(
        seconds=5.0,
        silent_s=0.01,
        fs_nominal_hz=2000.0,
        fs_measured_hz=2000.4,
        late_ms={"p50": 0.2, "p95": 2.0, "max": 9.0},
        round_trip_ms={"p50": 2.0, "p95": 4.0, "max": 9.0},
        round_trips=98,
        samples_received=10_000,
        samples_lost=0,
        crc_errors=0,
        length_errors=0,
        frames_to_hand_lost=0,
        frames_dropped=0,
        lead_off=False,
        blockers=(),
        supply_mv=6000,
    ),
    channels=(channel(), channel(name="radial")),
)
SICK = {
    "port_missing": {"port": {"exists": False, "permitted": False}},
    "port_forbidden": {"port": {"permitted": False}},
    "port_busy": {"trouble": ("port_busy", "It is held by screen.")},
    "port_unusable": {"trouble": ("port_unusable", "It is no serial port.")},
    "old_boot_loader": {"port": {"old_boot_loader": True}},
    "no_answer": {"trouble": ("no_answer", "Nothing answers.")},
    "device_refused": {"trouble": ("device_refused", "It refused.")},
    "brltty": {"port": {"brltty_takes": "CH340"}},
    "modem_manager": {"port": {"modem_manager_asks": True}},
    "protocol_differs": {"device": {"protocol_matches": False}},
    "emergency_stop": {"stream": {"blockers": ("estop_latched",)}},
    "sampling_stalled": {"stream": {"blockers": ("sampling_stalled",)}},
    "supply_low": {"stream": {"blockers": ("supply_low",), "supply_mv": 4100}},
    "beyond_limits": {"stream": {"blockers": ("beyond_limits",)}},
    "no_limits": {"stream": {"blockers": ("no_limits",)}},
    "supply_unknown": {"stream": {"supply_mv": 0}},
    "brown_out": {"device": {"reset_cause": "brown_out"}},
    "watchdog_reset": {"device": {"reset_cause": "watchdog"}},
    "no_samples": {"stream": {"samples_received": 0, "late_ms": {}, "round_trip_ms": {}}},
    "samples_lost": {"stream": {"samples_received": 9800, "samples_lost": 200}},
    "line_errors": {"stream": {"crc_errors": 1}},
    "frames_to_hand_lost": {"stream": {"frames_to_hand_lost": 3}},
    "board_overloaded": {"stream": {"frames_dropped": 2}},
    "rate_off": {"stream": {"fs_measured_hz": 1950.0}},
    "clock_off": {"stream": {"fs_measured_hz": 1975.0}},
    "arrivals_bunched": {"stream": {"late_ms": {"p50": 8.0, "p95": 15.0, "max": 16.0}}},
    "round_trip_long": {"stream": {"round_trip_ms": {"p50": 17.0, "p95": 18.0, "max": 19.0}}},
    "usb_latency": {"port": {"usb_latency_ms": 16}},
    "lead_off": {"stream": {"lead_off": True}},
    "channel_flat": {"channel": {"contact": "flat", "range_counts": 0.0}},
    "channel_saturated": {"channel": {"contact": "saturated"}},
    "channel_mains": {"channel": {"contact": "mains", "mains_share": 0.97}},
    "channel_repeating": {"channel": {"contact": "repeating"}},
    "channels_identical": {"channel": {"contact": "identical"}},
    "mains_high": {"channel": {"mains_share": 0.85, "mains_counts": 6.0}},
    "noise_high": {"channel": {"noise_counts": 20.0, "noise_share": 0.039, "clench_counts": 200.0}},
    "clench_clips": {"channel": {"clench_clipped_share": 0.05}},
    "signal_weak": {"channel": {"clench_counts": 5.0}},
    "no_signal": {"channels": {"clench_counts": 5.0}},
    "undervoltage": {"system": {"throttled": 0x50005}},
    "throttled": {"system": {"throttled": 0x50000}},
    "cpu_governor": {"system": {"governors": ("performance", "ondemand")}},
    "inference_slow": {"system": {"inference_ms": 3.0}},
    "no_realtime": {"system": {"may_fifo": False}},
    "no_memlock": {"system": {"may_lock": False}},
    "disk_low": {"system": {"disk_free_mb": 300}},
    "onnxruntime_bad": {"system": {"onnxruntime": "1.21.0"}},
    "python_32bit": {"system": {"python_bits": 32}},
}


def sick(changes) -> Facts:
    facts = HEALTHY
    for part, change in changes.items():
        if part == "channel":
            facts = replace(facts, channels=(channel(**change), *facts.channels[1:]))
        elif part == "channels":
            facts = replace(facts, channels=tuple(replace(c, **change) for c in facts.channels))
        elif isinstance(change, dict):
            facts = replace(facts, **{part: replace(getattr(facts, part), **change)})
        else:
            facts = replace(facts, **{part: change})
    return facts


def test_a_healthy_hand_has_no_findings():
    assert check_all(HEALTHY) == []
    assert as_json(HEALTHY, [])["ok"] is True
    assert list(as_text(HEALTHY, []))[-1] == "Total: no bad findings, no warnings."


def test_every_finding_of_the_table_has_its_case():
    assert set(SICK) == set(KINDS)


@pytest.mark.parametrize("finding", KINDS)
def test_each_fault_is_found_and_nothing_else(finding):
    facts = sick(SICK[finding])
    findings = check_all(facts)
    assert [f.id for f in findings] == [finding]
    assert findings[0].what.endswith(".")
    text = "\n".join(as_text(facts, findings))
    for part in (findings[0].what, KINDS[finding].why, KINDS[finding].do, finding):
        assert part in text
    assert as_json(facts, findings)["ok"] is (KINDS[finding].severity == WARNING)


@pytest.mark.parametrize("finding", KINDS)
def test_each_row_is_complete(finding):
    kind = KINDS[finding]
    assert kind.severity in (BAD, WARNING)
    assert kind.symptom and kind.why and kind.do
    assert not any(text.endswith(".") for text in kind)


def test_a_stream_that_broke_off_is_found():
    (finding,) = check_all(sick({"stream": {"silent_s": 1.2}}))
    assert (finding.id, finding.what) == ("no_samples", "The samples stopped 1.2 s ago.")


def test_an_unmeasured_fact_is_not_judged():
    facts = replace(HEALTHY, device=None, stream=None, channels=(), source="none")
    assert check_all(replace(facts, system=replace(facts.system, throttled=None, inference_ms=None))) == []


def test_a_channel_without_contact_has_one_finding():
    facts = sick({"channel": {"contact": "flat", "clench_counts": 0.0, "noise_counts": 0.0}})
    assert [f.id for f in check_all(facts)] == ["channel_flat"]


def test_noise_is_judged_only_if_the_wearer_was_asked_to_rest():
    assert check_all(sick({"channel": {"noise_share": 0.1, "clench_counts": None}})) == []


def test_the_same_finding_on_several_channels_is_explained_once():
    facts = replace(HEALTHY, channels=tuple(channel(name=name, contact="flat") for name in "ab"))
    text = "\n".join(as_text(facts, check_all(facts)))
    assert "Channel a" in text and "Channel b" in text
    assert text.count(KINDS["channel_flat"].why) == 1
    assert text.endswith("Total: 2 bad findings, no warnings.")


def test_a_version_that_is_known_to_be_bad_is_also_excluded_from_the_dependencies():
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (onnxruntime,) = (d for d in project["dependencies"] if d.startswith("onnxruntime"))
    assert all(f"!={version}" in onnxruntime for version in BAD_ONNXRUNTIME)


@pytest.mark.parametrize("contact", [contact.name.lower() for contact in Contact if contact])
def test_the_sentence_about_a_channel_without_good_contact_does_not_contradict_itself(contact):
    (finding,) = check_all(sick({"channel": {"contact": contact, "mains_share": 0.96, "range_counts": 1.0}}))
    assert finding.severity == BAD
    assert "only" not in finding.what
    assert "of the time" not in finding.what


@pytest.mark.parametrize("contact", ["flat", "saturated", "mains"])
def test_a_loose_contact_is_reported_with_its_share_of_the_time(contact):
    (finding,) = check_all(sick({"channel": {"contact": contact, "contact_share": 0.25}}))
    assert finding.what.endswith(", for 25 % of the time.")


def test_the_supply_is_shown_or_reported_as_not_measured():
    assert "servos    6.00 V" in as_text(HEALTHY, [])
    facts = sick({"stream": {"supply_mv": 0}, "device": {"measures_supply": False}})
    assert check_all(facts) == []
    assert "servos    supply not measured" in as_text(facts, [])


def test_an_unmeasured_rate_is_neither_shown_nor_judged():
    facts = sick({"stream": {"fs_measured_hz": None}})
    assert check_all(facts) == []
    assert any("not measured" in line and line.startswith("clock") for line in as_text(facts, []))


@pytest.mark.parametrize("width", [40, 60, 80, 132])
def test_lines_break_between_words_and_nothing_is_lost(width):
    facts = replace(sick(SICK["no_realtime"]), channels=(channel(name="ulnar", contact="mains"),))
    findings = [*check_all(facts), *check_all(sick(SICK["usb_latency"]))]
    broken, whole = list(as_text(facts, findings, width)), list(as_text(facts, findings))
    assert " ".join(broken).split() == " ".join(whole).split()
    for line in broken:
        assert len(line) <= width or len(line.split()) == 1, line
    assert set(" ".join(broken).split()) == set(" ".join(whole).split())
