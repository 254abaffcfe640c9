"""`myobridge bench`: the report about a machine. The figures depend on the machine."""

import json

import pytest

from processes import myobridge

PERCENTILES = {"p50", "p95", "p99", "max"}


@pytest.mark.slow
def test_bench_measures_wire_network_and_both_loops_and_draws_the_delays(tmp_path):
    done = myobridge("bench", "--seconds", 1, "--json", tmp_path / "bench.json", "--plot", tmp_path / "delays.png")
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "bench.json").read_text())
    for loop in ("ours", "minimal_loop"):
        assert {"p50", "p99"} <= result[loop]["latency_ms"].keys()
        assert 0 < result[loop]["cpu_seconds_per_second"] < 2
        assert result[loop]["rss_mb"] > 10
        assert 0 < result[loop]["sample_to_hand_ms"]["p50"] <= result[loop]["sample_to_hand_ms"]["p99"]
    assert result["windowed"]["inference_ms"].keys() == PERCENTILES
    assert min(result["million_frames_per_s"].values()) > 0
    assert result["ours"]["start_to_first_command_s"] > 0
    assert min(result["ratios"].values()) > 0
    assert "minimal loop" in done.stdout
    assert (tmp_path / "delays.png").read_bytes().startswith(b"\x89PNG")


def test_a_plot_that_cannot_be_drawn_is_one_sentence(tmp_path):
    done = myobridge("bench", "--plot", tmp_path / "missing" / "delays.png")
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].endswith("choose another file.")
