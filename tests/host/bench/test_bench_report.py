"""What `myobridge bench` prints fits into a terminal of 80 columns."""

import pytest

from myobridge.bench.report import as_text


def loop(ms):
    return {
        "latency_ms": {"p50": ms, "p99": 2 * ms},
        "sample_to_hand_ms": {"p50": 4 * ms, "p99": 1234.5},
        "cpu_seconds_per_second": 0.123,
        "rss_mb": 1024.0,
        "start_to_first_command_s": 0.56,
        "samples_lost": 0,
        "deadline_misses": 3,
    }


RESULT = {
    "machine": {
        "machine": "Linux-6.1.0-18-amd64-x86_64-with-glibc2.36 Intel(R) Xeon(R) Platinum",
        "cores": 2,
        "load": 10.25,
        "python": "3.11.7",
        "numpy": "2.1.3",
        "onnxruntime": "1.20.0",
    },
    "model": "biopatrec",
    "channels": 4,
    "fs_hz": 2000.0,
    "hop_ms": 5.0,
    "million_frames_per_s": {"bulk": 1.2, "one by one": 0.2},
    "windowed": {"inference_ms": {"p50": 0.2, "p99": 0.4}},
    "streaming": {"inference_ms": {"p50": 0.1, "p99": 0.2}},
    "ours": loop(0.41),
    "minimal_loop": loop(0.53),
    "minimal_loop_streaming": loop(0.29),
    "sizes": [{"hop_ms": 5, "fs_hz": 2000, "channels": 4, "turn_ms": {"p99": 0.3}}],
    "largest_in_time": {"channels": 64, "fs_hz": 4000, "turn_ms": {"p99": 4.2}, "hop_ms": 5},
}


@pytest.mark.parametrize("left_out", [{}, {"streaming": None, "minimal_loop_streaming": None}], ids=["all", "windowed"])
def test_no_line_is_wider_than_80_columns(left_out):
    text = as_text(RESULT | left_out)
    assert [line for line in text.splitlines() if len(line) > 80] == []
    assert "0.530 (0.77)" in text


def test_each_figure_stands_under_the_name_of_its_loop():
    above, below, first, *_ = as_text(RESULT).split("\n\n")[2].splitlines()
    assert above.rstrip().endswith("streaming")
    for name, figure in (("myobridge", "0.410"), ("minimal loop", "0.530 (0.77)")):
        assert below.index(name) + len(name) == first.index(figure) + len(figure)
