"""The pipeline: the same samples give the same decisions to the bit, however they are delivered."""

import numpy as np
import pytest

from myobridge.decoder.pipeline import Pipeline, Withheld
from myobridge.model.load import open_model
from myobridge.settings import SafetySettings, Settings
from tiny_model import REST_DEG, tiny_spec, untried, write_tiny_model

WINDOW, HOP = tiny_spec().window_samples, tiny_spec().hop_samples


@pytest.fixture
def pipeline(tmp_path):
    return Pipeline(open_model(write_tiny_model(tmp_path / "tiny.onnx")), Settings(), adc_bits=10)


def noise(samples, seed=0):
    return np.random.default_rng(seed).integers(-100, 100, (samples, 2)).astype(np.int16)


def push_all(pipeline, counts, sizes):
    decisions, at = [], 0
    while at < len(counts):
        size = next(sizes)
        decisions += pipeline.push(at, counts[at : at + size])
        at += size
    return decisions


def test_the_pipeline_decides_at_each_hop_once_the_window_is_full(pipeline):
    decisions = pipeline.push(0, noise(WINDOW + 2 * HOP))
    assert [d.sample_index for d in decisions] == list(range(HOP - 1, WINDOW + 2 * HOP, HOP))
    warming = [d for d in decisions if d.withheld is Withheld.WARMING_UP]
    assert len(warming) == WINDOW // HOP - 1
    assert all(d.raw_deg == () for d in warming)


def test_the_window_ends_at_the_newest_sample_and_the_history_holds_past_outputs(pipeline):
    counts = noise(WINDOW + 6 * HOP)
    decisions = [d for d in pipeline.push(0, counts) if d.raw_deg]
    for k, decision in enumerate(decisions):
        end = decision.sample_index + 1
        assert decision.raw_deg[0] == pytest.approx(counts[end - WINDOW : end].mean(), abs=1e-4)
        assert decision.raw_deg[1] == counts[end - 1, 0]
        past = [decisions[k - 2 * i].raw_deg[0] if k >= 2 * i else REST_DEG[0] for i in (1, 2)]
        assert decision.raw_deg[2:4] == pytest.approx(past)


def test_decisions_do_not_depend_on_how_the_samples_are_delivered(tmp_path):
    model = open_model(write_tiny_model(tmp_path / "tiny.onnx"))
    counts = noise(600)
    results = []
    for sizes in (iter(lambda: 600, None), iter(lambda: 1, None), iter(np.random.default_rng(1).integers(1, 37, 999))):
        results.append(push_all(Pipeline(model, Settings(), 10), counts, sizes))
    assert results[0] == results[1] == results[2]


def test_a_caller_that_never_settles_gets_the_same_decisions(tmp_path):
    model = open_model(write_tiny_model(tmp_path / "tiny.onnx"))
    counts = noise(600)
    counts[300:, 0] = 511  # an electrode comes off
    settled, lazy = Pipeline(model, Settings(), 10), Pipeline(model, Settings(), 10)
    wanted = settled.push(0, counts)
    assert [lazy.decide(hop) for hop in lazy.acquisition.push(0, counts)] == wanted
    assert wanted[-1].withheld is Withheld.CHANNEL_SATURATED


def test_a_short_gap_is_filled_and_counted_and_the_hops_stay_aligned(pipeline):
    counts = noise(200)
    before = pipeline.push(0, counts[:100])
    after = pipeline.push(103, counts[103:])
    assert [d.sample_index for d in before + after] == list(range(HOP - 1, 200, HOP))
    assert pipeline.acquisition.counters.samples_lost == 3
    assert all(d.withheld is Withheld.NO for d in after)  # 3 of 40 samples is within max_gap_share


def test_decisions_are_withheld_while_too_much_of_the_window_is_filled_in(pipeline):
    counts = noise(300)
    pipeline.push(0, counts[:100])
    after = pipeline.push(110, counts[110:])
    for decision in after:
        window = range(decision.sample_index - WINDOW + 1, decision.sample_index + 1)
        filled = sum(100 <= index < 110 for index in window)
        assert (decision.withheld is Withheld.SAMPLES_LOST) == (filled > 0.1 * WINDOW)
    assert after[0].withheld is Withheld.SAMPLES_LOST
    assert after[-1].withheld is Withheld.NO


def test_a_gap_longer_than_the_window_starts_from_rest(pipeline):
    pipeline.push(0, noise(100))
    after = pipeline.push(100 + WINDOW + HOP, noise(WINDOW + HOP))
    assert after[0].withheld is Withheld.WARMING_UP
    assert after[-1].raw_deg[2:4] == REST_DEG[:2]
    assert pipeline.acquisition.counters.restarts == 1
    assert pipeline.acquisition.counters.samples_lost == WINDOW + HOP


def test_a_repeated_frame_changes_nothing(pipeline):
    counts = noise(60)
    pipeline.push(0, counts)
    assert pipeline.push(50, counts[50:]) == []
    assert pipeline.acquisition.counters.duplicates == 1


def test_the_index_wraps_without_a_gap(pipeline):
    pipeline.acquisition.reset()
    start = (1 << 32) - 60
    counts = noise(120)
    decisions = pipeline.push(start, counts[:60]) + pipeline.push(0, counts[60:])
    assert len({b.sample_index - a.sample_index for a, b in zip(decisions, decisions[1:], strict=False)}) == 1
    assert pipeline.acquisition.counters.restarts == 0


@pytest.mark.parametrize(
    ("counts", "reason"),
    [
        (np.zeros(400), Withheld.CHANNEL_FLAT),
        (np.full(400, 511), Withheld.CHANNEL_SATURATED),  # the amplifier's rail
        (np.full(400, -512), Withheld.CHANNEL_SATURATED),
        (np.where(np.arange(400) % 2, 511, -512), Withheld.CHANNEL_SATURATED),
        (100 * np.sin(2 * np.pi * 50 * np.arange(400) / 1000), Withheld.CHANNEL_MAINS),
        (100 * np.sin(2 * np.pi * 60 * np.arange(400) / 1000 + 1), Withheld.CHANNEL_MAINS),
    ],
)
def test_a_channel_without_a_muscle_withholds_the_decision(pipeline, counts, reason):
    samples = noise(400)
    samples[:, 1] = counts
    decisions = pipeline.push(0, samples)
    assert decisions[-1].withheld is reason
    assert decisions[30].withheld is Withheld.NO  # the check needs 200 ms


def test_an_electrode_that_comes_off_is_found_within_100_ms(pipeline):
    samples = noise(2000)
    samples[1000:, 0] = 511  # the amplifier's rail
    decisions = pipeline.push(0, samples)
    first = next(d.sample_index for d in decisions if d.withheld > Withheld.WARMING_UP)
    assert 1000 <= first < 1100


def test_lead_off_withholds_the_decision_immediately(pipeline):
    pipeline.push(0, noise(100))
    assert pipeline.push(100, noise(HOP), lead_off=True)[0].withheld is Withheld.LEAD_OFF


def test_nan_enters_neither_the_angles_nor_the_history(tmp_path):
    model = untried(write_tiny_model(tmp_path / "nan.onnx", scale=float("inf")))
    decisions = Pipeline(model, Settings(), 10).push(0, noise(WINDOW + 3 * HOP))
    assert {d.withheld for d in decisions[WINDOW // HOP :]} == {Withheld.NOT_A_NUMBER}
    assert all(d.angles_deg == () for d in decisions)
    assert decisions[-1].raw_deg[2] == REST_DEG[0]


def test_angles_stay_within_the_servo_limits(tmp_path):
    model = open_model(write_tiny_model(tmp_path / "tiny.onnx", scale=1000.0))
    decisions = Pipeline(model, Settings(), 10).push(0, noise(400))
    assert any(not 0 <= angle <= 180 for d in decisions for angle in d.raw_deg)
    assert all(0 <= angle <= 180 for d in decisions for angle in d.angles_deg)


def test_the_limit_of_hum_is_configurable(tmp_path):
    samples = noise(400)
    samples[:, 1] = samples[:, 1] / 3 + 100 * np.sin(2 * np.pi * 50 * np.arange(400) / 1000)
    model = open_model(write_tiny_model(tmp_path / "tiny.onnx"))
    verdicts = []
    for share in (0.5, 0.99):
        config = Settings(safety=SafetySettings(max_mains_share=share))
        verdicts.append(Pipeline(model, config, 10).push(0, samples)[-1].withheld)
    assert verdicts == [Withheld.CHANNEL_MAINS, Withheld.NO]
