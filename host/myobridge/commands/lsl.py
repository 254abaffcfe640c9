"""`myobridge lsl`: the daemon's data for the lab streaming layer."""

from __future__ import annotations

import click

from myobridge.commands.options import say


@click.command()
@click.option("--port", required=True, help="Serial port of the hand, as given to the daemon.")
def lsl(port: str) -> None:
    """Stream EMG, angles and events of a running daemon to the lab streaming layer (LSL).

    There are three LSL streams: `myobridge EMG` (ADC counts at the sampling rate), `myobridge angles` (degrees,
    predicted and applied) and `myobridge markers` (state, reason, withheld, lost samples, model, cues). This command
    needs the extra `lsl`.
    """
    from myobridge.recording.extras import need_lsl

    need_lsl()
    from myobridge.feed.lsl import stream

    stream(port, say)
