"""`myobridge` with a network that goes wrong when told to by a signal: it stalls, or what it gives is no number."""

import signal
import time

import numpy as np

from myobridge import decode
from myobridge.cli import main

STALL, NAN = signal.SIGHUP, signal.SIGWINCH
STALL_S = 0.5
NAN_S = 0.4


class OddDecoder:
    """The model's own decoder, most of the time."""

    stall = False
    nan_until_s = 0.0

    def __init__(self, model):
        self._decoder = decode.decoder_of(model)
        self.reset, self.settle = self._decoder.reset, self._decoder.settle

    def __call__(self, window):
        angles = self._decoder(window)
        if OddDecoder.stall:
            OddDecoder.stall = False
            time.sleep(STALL_S)
        is_odd = angles is not None and time.monotonic() < OddDecoder.nan_until_s
        return angles * np.nan if is_odd else angles


def stall(_signal, _frame):
    OddDecoder.stall = True


def give_no_number(_signal, _frame):
    OddDecoder.nan_until_s = time.monotonic() + NAN_S


if __name__ == "__main__":
    import myobridge.pipeline

    myobridge.pipeline.decoder_of = OddDecoder
    signal.signal(STALL, stall)
    signal.signal(NAN, give_no_number)
    main()
