"""EMG amplifiers: which ones work, and which codes of the ADC their outputs end at."""

from __future__ import annotations

from typing import Final, NamedTuple

from drawing.table import table

ADC_V: Final = 5.0
ADC_STEPS: Final = 1024
GAINS: Final = (200, 1000, 2420)


class Amplifier(NamedTuple):
    """A line of the table."""

    name: str
    number: str
    gain: str
    output: str
    ends_v: tuple[float, float] | str
    """Between which voltages its output swings, or a remark."""
    band: str
    verdict: str
    eur: float | None = None


AMPLIFIERS: Final = (
    Amplifier(
        "DFRobot / OYMotion Gravity analog EMG, dry electrodes",
        "SEN0240",
        "1000 °",
        "raw, round 1.5 V °",
        (0.0, 3.0),
        "20–500 Hz °",
        "**works**; supply 3.3–5.5 V, 20 mA °",
        40,
    ),
    Amplifier(
        "Upside Down Labs Muscle BioAmp Candy",
        "",
        "2420 °",
        "raw; middle: check",
        "measure",
        "72–720 Hz °",
        "works, loses the low part; high gain: watch saturation",
        15,
    ),
    Amplifier(
        "Upside Down Labs BioAmp EXG Pill",
        "",
        "about 1000, check",
        "raw; middle: check",
        "measure",
        "set for EMG as its guide says",
        "works",
        30,
    ),
    Amplifier(
        "MyoWare 2.0, **RAW**",
        "DEV-21265 °",
        "about 200, check",
        "raw, round half its supply; check",
        "measure",
        "about 20–500 Hz, check",
        "works, but weak: few counts",
        42,
    ),
    Amplifier("its Link Shield, switch on RAW", "DEV-18425 °", "", "chooses ENV, REC or RAW °", "", "", "with it", 8),
    Amplifier(
        "MyoWare (first), **RAW** pin",
        "AT-04-001 °",
        "201",
        "raw, round half its supply",
        "measure",
        "check",
        "works, but weak",
        40,
    ),
    Amplifier(
        "MyoWare ENV, REC; SIG of the first",
        "",
        "",
        "envelope or rectified",
        "",
        "a few Hz",
        "**does not work**: no action potentials left",
    ),
    Amplifier(
        '"Muscle Sensor v3" and alike with two 9 V batteries',
        "",
        "",
        "rectified, smoothed",
        "",
        "a few Hz",
        "**does not work**",
    ),
    Amplifier(
        "Olimex SHIELD-EKG-EMG", "", "about 2850 °", "raw", "", "up to 40 Hz °", "**does not work**: made for ECG"
    ),
    Amplifier("AD8232 heart-rate boards", "", "", "raw", "", "about 0.5–40 Hz, check", "**does not work**"),
    Amplifier(
        "TI ADS1299 or ADS1298 boards (8 × 24 bit, SPI °)",
        "ADS1299IPAG",
        "12 (ADS1298: 6), set by the firmware",
        "digital",
        "±375 mV of electrodes, EMG ±11.7 mV",
        "1.24 Hz to a quarter of the rate °",
        "prepared, tried only in a simulator: board `feather_ads` ([WIRING.md](WIRING.md#a-front-end-of-24-bits))",
    ),
)
RECOMMENDED: Final = AMPLIFIERS[0]


def code(volts: float) -> int:
    """The code that the board sends for a voltage at its input."""
    return min(ADC_STEPS // 2 - 1, int(volts / ADC_V * ADC_STEPS) - ADC_STEPS // 2)


def _signed(value: int) -> str:
    return f"{value:+d}".replace("-", "−")


def ends(amplifier: Amplifier) -> str:
    """The ends of the output, in volts and in codes."""
    if isinstance(amplifier.ends_v, str):
        return amplifier.ends_v
    low, high = amplifier.ends_v
    return f"{low:g}–{high:.1f} V °: {_signed(code(low))} … {_signed(code(high))}"


def amplifiers() -> str:
    """Markdown table of the amplifiers."""
    rows = [("amplifier", "number", "gain", "output", "ends, as codes", "band", "verdict", "€ each")]
    for a in AMPLIFIERS:
        price = "" if a.eur is None else f"{a.eur:g}"
        rows.append((a.name, a.number, a.gain, a.output, ends(a), a.band, a.verdict, price))
    return table(*rows)


def gains() -> str:
    """Markdown table of gains and what they are in counts."""
    rows = [("gain", "one count is", "100 µV of EMG are", "the ADC's ends are reached at")]
    for gain in GAINS:
        count_uv = ADC_V / ADC_STEPS / gain * 1e6
        end_mv = ADC_V / 2 / gain * 1e3
        rows.append((str(gain), f"{count_uv:.1f} µV", f"{100 / count_uv:.0f} counts", f"±{end_mv:.1f} mV"))
    return table(*rows)
