"""`myobridge` with a network that a signal makes stall, fail, hang, or return not-a-number."""

import signal
import time

import numpy as np

from myobridge.cli import main
from myobridge.decoder import inference

STALL, NAN, FAIL, HANG = signal.SIGURG, signal.SIGWINCH, signal.SIGVTALRM, signal.SIGPROF
STALL_S = 0.5
NAN_S = 0.4


class OddDecoder:
    """The model's own decoder, most of the time."""

    stall = fail = hang = False
    nan_until_s = 0.0

    def __init__(self, model):
        self._decoder = inference.decoder_of(model)
        self.reset, self.settle, self.terminate = self._decoder.reset, self._decoder.settle, self._decoder.terminate

    def __call__(self, window):
        angles = self._decoder(window)
        if OddDecoder.stall:
            OddDecoder.stall = False
            time.sleep(STALL_S)
        if OddDecoder.fail:
            OddDecoder.fail = False
            raise RuntimeError("a node of the graph failed")
        while OddDecoder.hang:  # like a large MatMul, it does not obey
            time.sleep(0.01)
        is_odd = angles is not None and time.monotonic() < OddDecoder.nan_until_s
        return angles * np.nan if is_odd else angles


def stall(_signal, _frame):
    OddDecoder.stall = True


def fail(_signal, _frame):
    OddDecoder.fail = True


def hang(_signal, _frame):
    OddDecoder.hang = True


def give_no_number(_signal, _frame):
    OddDecoder.nan_until_s = time.monotonic() + NAN_S


if __name__ == "__main__":
    import myobridge.decoder.pipeline

    myobridge.decoder.pipeline.decoder_of = OddDecoder
    signal.signal(STALL, stall)
    signal.signal(FAIL, fail)
    signal.signal(HANG, hang)
    signal.signal(NAN, give_no_number)
    main()
