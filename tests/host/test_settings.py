"""The reference config in the repository is the defaults, key by key."""

import tomllib
from pathlib import Path

import msgspec

from myobridge.settings import Settings, load_settings

REFERENCE = Path(__file__).parents[2] / "host" / "config.toml"


def test_reference_config_is_the_defaults():
    assert load_settings(REFERENCE) == Settings()


def test_reference_config_names_every_key():
    text = REFERENCE.read_text(encoding="utf-8")
    uncommented = tomllib.loads(
        text.replace("\n# fs_hz", "\nfs_hz").replace("\n# inputs", "\ninputs").replace("\n# safe", "\nsafe")
    )
    defaults = msgspec.to_builtins(Settings())
    assert {table: set(keys) for table, keys in uncommented.items()} == {t: set(keys) for t, keys in defaults.items()}
