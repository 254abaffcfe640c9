"""LSL for this test run alone: on this computer, without multicast, on ports of its own. Import it before pylsl."""

import os
import tempfile

import pytest

# Set before LSL is loaded: this computer only, without multicast, for which containers often have no route, and on
# this test run's own ports.
BASE_PORT = 20_000 + os.getpid() % 300 * 40
SETTINGS = tempfile.NamedTemporaryFile("w", suffix=".cfg")  # noqa: SIM115 - it stays until all tests are over
SETTINGS.write(
    f"[ports]\nIPv6 = disable\nMulticastPort = {BASE_PORT}\nBasePort = {BASE_PORT + 1}\nPortRange = 32\n"
    "[multicast]\nResolveScope = machine\nAddressesOverride = {127.0.0.1}\n"
    f"[lab]\nKnownPeers = {{127.0.0.1}}\nSessionID = test-{os.getpid()}\n[log]\nlevel = -2\n"
)
SETTINGS.flush()
os.environ.setdefault("LSLAPICFG", SETTINGS.name)  # processes of a test keep that of their parent

try:
    import pylsl
except RuntimeError:
    pytest.skip("pylsl has no liblsl for this computer; host/LSL.md says where it comes from.", allow_module_level=True)

__all__ = ["pylsl"]
