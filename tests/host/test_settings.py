"""The settings file: the accepted values, one sentence for every error, and host/config.toml as the reference."""

import tomllib
from pathlib import Path

import msgspec
import pytest

from myobridge.errors import UserError
from myobridge.settings import Settings, load_settings
from myobridge.wire import messages as m

REFERENCE = Path(__file__).parents[2] / "host" / "config.toml"


@pytest.fixture
def load(tmp_path):
    def load_text(text):
        path = tmp_path / "hand.toml"
        path.write_text(text, encoding="utf-8")
        return load_settings(path)

    return load_text


def test_without_a_file_and_with_an_empty_file_the_defaults_apply(load):
    assert load_settings(None) == load("") == Settings()


def test_the_defaults_obey_the_firmwares_limits():
    config = Settings()
    assert m.HOLD_MIN_MS <= config.safety.hold_ms <= m.HOLD_MAX_MS < config.safety.relax_ms <= m.RELAX_MAX_MS
    assert m.SLEW_MIN_CDEG_PER_S <= 100 * config.servo.slew_deg_per_s <= m.SLEW_MAX_CDEG_PER_S
    assert all(m.PULSE_MIN_US <= us <= m.PULSE_MAX_US for us in config.servo.pulse_0_us + config.servo.pulse_180_us)
    assert config.safety.max_age_ms <= 4 * 255, "valid_4ms is one byte"


def test_every_value_can_be_set(load):
    config = load(
        """
        [link]
        baud = 1000000
        [acquisition]
        fs_hz = 1000
        inputs = [0, 2, 5]
        max_samples_per_frame = 1
        oversampling = 2
        max_gap_share = 0
        [amplifier]
        gain = 1000
        adc_range_mv = 3300
        [servo]
        min_deg = [0, 1, 2, 3, 4.5]
        max_deg = [180, 90, 90, 90, 90]
        safe_deg = [0, 1, 90, 50, 50]
        pulse_0_us = [2500, 500, 500, 500, 500]
        pulse_180_us = [500, 2500, 2400, 2300, 2200]
        rate_hz = 333
        slew_deg_per_s = 5
        [safety]
        hold_ms = 20
        relax_ms = 21
        max_age_ms = 1000
        max_saturated_share = 1
        max_mains_share = 0.5
        min_range_counts = 0
        [button]
        short = "nothing"
        long = "undo"
        longest = "calibrate"
        [sound]
        on = false
        [realtime]
        fifo_priority = 0
        [diary]
        keep = false
        """
    )
    assert config.servo.safe_deg == (0, 1, 90, 50, 50)
    assert config.acquisition.inputs == (0, 2, 5)
    ours, defaults = msgspec.to_builtins(config), msgspec.to_builtins(Settings())
    same = {
        f"{table}.{key}" for table in defaults for key in defaults[table] if ours[table][key] == defaults[table][key]
    }
    assert not same, "each was set to something else than its default"


UNKNOWN = [
    ("[servo]\nslew = 3", "servo.slew", "servo.slew_deg_per_s"),
    ("[safety]\nmax_age = 3", "safety.max_age", "safety.max_age_ms"),
    ("[acquisition]\nfs = 3", "acquisition.fs", "acquisition.fs_hz"),
    ("[servos]\nmin_deg = 1", "servos", "servo"),
    ("[Link]\nbaud = 1", "Link", "link"),
    ("hold_ms = 100", "hold_ms", "safety.hold_ms"),
    ("[link]\nslew_deg_per_s = 100", "link.slew_deg_per_s", "servo.slew_deg_per_s"),
    ("[realtime]\npriority = 1", "realtime.priority", "realtime.fifo_priority"),
    ('[servo]\n"" = 1', "servo.", "servo.min_deg"),
]


@pytest.mark.parametrize(("text", "name", "nearest"), UNKNOWN)
def test_an_unknown_key_is_named_with_the_nearest_key(load, text, name, nearest):
    with pytest.raises(UserError) as error:
        load(text)
    assert str(error.value).endswith(f"hand.toml: unknown key '{name}'; the nearest key is '{nearest}'.")


NONSENSE = [
    ("[link]\nbaud = 0", "link.baud", "whole number >= 9600"),
    ("[link]\nbaud = 115200.5", "link.baud", "whole number"),
    ("[link]\nbaud = true", "link.baud", "got true or false"),
    ("[link]\nbaud = '115200'", "link.baud", "got a text"),
    ("[link]\nbaud = 99999999999999999999", "link.baud", "<= 4000000"),
    ("link = 3", "link", "expected a table"),
    ("[[link]]\nbaud = 115200", "link", "got a list"),
    ("[acquisition]\nfs_hz = 0", "acquisition.fs_hz", "> 0"),
    ("[acquisition]\nfs_hz = nan", "acquisition.fs_hz", "> 0"),
    ("[acquisition]\nfs_hz = inf", "acquisition.fs_hz", "<= 100000"),
    ("[acquisition]\ninputs = []", "acquisition.inputs", "length >= 1"),
    ("[acquisition]\ninputs = [1, 0]", "acquisition.inputs", "rising order"),
    ("[acquisition]\ninputs = [1, 1]", "acquisition.inputs", "without repeats"),
    ("[acquisition]\ninputs = [64]", "acquisition.inputs[0]", "<= 63"),
    ("[acquisition]\nmax_samples_per_frame = 0", "acquisition.max_samples_per_frame", ">= 1"),
    ("[acquisition]\nmax_gap_share = 1.01", "acquisition.max_gap_share", "<= 1"),
    ("[acquisition]\nmax_gap_share = nan", "acquisition.max_gap_share", ">= 0"),
    ("[servo]\nmin_deg = 5", "servo.min_deg", "expected a list"),
    ("[servo]\nmin_deg = [1, 2, 3, 4]", "servo.min_deg", "length 5"),
    ("[servo]\nmax_deg = [180, 180, 180, 180, 181]", "servo.max_deg[4]", "<= 180"),
    ("[servo]\nmax_deg = [nan, 180, 180, 180, 180]", "servo.max_deg[0]", ">= 0"),
    ("[servo]\nmin_deg = [0, 0, 0, 0, 91]\nmax_deg = [90, 90, 90, 90, 90]", "servo.min_deg", "not be above"),
    ("[servo]\nmin_deg = [0, 0, 9, 0, 0]\nsafe_deg = [0, 0, 0, 0, 0]", "servo.safe_deg", "lie between"),
    ("[servo]\nmax_deg = [9, 9, 9, 9, 9]\nsafe_deg = [9, 9, 10, 9, 9]", "servo.safe_deg", "lie between"),
    ("[servo]\npulse_0_us = [499, 500, 500, 500, 500]", "servo.pulse_0_us[0]", ">= 500"),
    ("[servo]\npulse_180_us = [2500, 2501, 2500, 2500, 2500]", "servo.pulse_180_us[1]", "<= 2500"),
    ("[servo]\npulse_0_us = [500, 500, 500, 500, 2500]", "servo.pulse_0_us", "differ"),
    ("[servo]\nrate_hz = 49.9", "servo.rate_hz", ">= 50"),
    ("[servo]\nrate_hz = 334", "servo.rate_hz", "<= 333"),
    ("[servo]\nslew_deg_per_s = 4.9", "servo.slew_deg_per_s", ">= 5"),
    ("[servo]\nslew_deg_per_s = 601", "servo.slew_deg_per_s", "<= 600"),
    ("[servo]\nslew_deg_per_s = inf", "servo.slew_deg_per_s", "<= 600"),
    ("[safety]\nhold_ms = 19", "safety.hold_ms", ">= 20"),
    ("[safety]\nhold_ms = 151", "safety.hold_ms", "<= 150"),
    ("[safety]\nhold_ms = 100\nrelax_ms = 100", "safety.relax_ms", "more than safety.hold_ms"),
    ("[safety]\nrelax_ms = 2001", "safety.relax_ms", "<= 2000"),
    ("[safety]\nmax_age_ms = 1001", "safety.max_age_ms", "<= 1000"),
    ("[safety]\nmin_range_counts = -1", "safety.min_range_counts", ">= 0"),
    ("[realtime]\nfifo_priority = 100", "realtime.fifo_priority", "<= 99"),
]


@pytest.mark.parametrize(("text", "key", "why"), NONSENSE)
def test_a_wrong_value_is_named_with_the_allowed_values(load, text, key, why):
    with pytest.raises(UserError) as error:
        load(text)
    sentence = str(error.value)
    assert f"hand.toml: {key}" in sentence
    assert why in sentence
    assert sentence.endswith("; correct that value.")
    assert "`" not in sentence and "\n" not in sentence


def test_the_safe_pose_may_be_absent(load):
    assert load("[servo]\nmin_deg = [90, 90, 90, 90, 90]").servo.safe_deg is None


@pytest.mark.parametrize(
    ("text", "where"), [("[link\n", "line 1"), ("a = ", "end of document"), ("a = 1\na = 2\nb = 3", "line 2")]
)
def test_an_error_in_the_toml_is_reported_with_its_line(load, text, where):
    with pytest.raises(UserError, match=r"hand\.toml is not valid TOML .*; correct that line\.") as error:
        load(text)
    assert where in str(error.value)


def test_bytes_that_are_not_utf_8_are_not_toml(tmp_path):
    path = tmp_path / "hand.toml"
    path.write_bytes(b"\xff\xfe\0")
    with pytest.raises(UserError, match="is not valid TOML"):
        load_settings(path)


def test_a_file_that_cannot_be_read_is_named_with_the_reason(tmp_path):
    with pytest.raises(UserError, match=r"none\.toml cannot be read \(No such file or directory\); check the path\."):
        load_settings(tmp_path / "none.toml")
    with pytest.raises(UserError, match="Is a directory"):
        load_settings(tmp_path)


def test_reference_config_is_the_defaults():
    assert load_settings(REFERENCE) == Settings()


def test_reference_config_names_every_key():
    text = REFERENCE.read_text(encoding="utf-8")
    uncommented = tomllib.loads(
        text.replace("\n# fs_hz", "\nfs_hz")
        .replace("\n# inputs", "\ninputs")
        .replace("\n# gain", "\ngain")
        .replace("\n# safe", "\nsafe")
    )
    defaults = msgspec.to_builtins(Settings())
    assert {table: set(keys) for table, keys in uncommented.items()} == {t: set(keys) for t, keys in defaults.items()}
