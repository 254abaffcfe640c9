"""`myobridge bench`: the parts of its report. The figures depend on the machine."""

import json

import pytest

from processes import myobridge

PERCENTILES = {"p50", "p95", "p99", "max"}


@pytest.mark.slow
def test_bench_measures_wire_network_and_all_three_loops_and_draws_the_delays(tmp_path):
    done = myobridge("bench", "--seconds", 1, "--json", tmp_path / "bench.json", "--plot", tmp_path / "delays.png")
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "bench.json").read_text())
    for loop in ("ours", "minimal_loop", "minimal_loop_streaming"):
        assert {"p50", "p99"} <= result[loop]["latency_ms"].keys()
        assert 0 < result[loop]["cpu_seconds_per_second"] < 2
        assert result[loop]["rss_mb"] > 10
        assert 0 < result[loop]["sample_to_hand_ms"]["p50"] <= result[loop]["sample_to_hand_ms"]["p99"]
    assert result["windowed"]["inference_ms"].keys() == PERCENTILES
    assert min(result["million_frames_per_s"].values()) > 0
    assert result["ours"]["start_to_first_command_s"] > 0
    assert result["minimal_loop"].keys() == result["minimal_loop_streaming"].keys()
    assert result["ratios"].keys() == result["ratios_streaming"].keys()
    assert min(*result["ratios"].values(), *result["ratios_streaming"].values()) > 0
    assert "streaming minimal loop" in done.stdout
    assert (tmp_path / "delays.png").read_bytes().startswith(b"\x89PNG")


def test_a_plot_that_cannot_be_drawn_is_an_error_of_one_sentence(tmp_path):
    done = myobridge("bench", "--plot", tmp_path / "missing" / "delays.png")
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].endswith("make its folder first, or choose another place.")
