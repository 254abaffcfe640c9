"""`myobridge lsl`: the daemon's data for the lab streaming layer."""

from __future__ import annotations

import click

from myobridge.commands.options import say
from myobridge.errors import UserError


@click.command()
@click.option("--port", required=True, help="Serial port of the hand, as given to the daemon.")
def lsl(port: str) -> None:
    """Stream EMG, angles and events of a running daemon to the lab streaming layer (LSL).

    There are three LSL streams: `myobridge EMG` (ADC counts at the sampling rate), `myobridge angles` (degrees,
    predicted and applied) and `myobridge markers` (state, reason, withheld, lost samples, model, cues). This command
    needs the extra `lsl`.
    """
    try:
        from myobridge.feed.lsl import stream
    except ImportError as error:
        raise UserError(
            "Lab streaming needs pylsl, which is not installed; `pip install 'myobridge[lsl]'` installs it."
        ) from error
    except RuntimeError as error:  # pylsl is there, the library that it wraps is not
        raise UserError(
            "pylsl finds no liblsl for this computer; install liblsl2, or point PYLSL_LIB at its .so file."
        ) from error
    stream(port, say)
