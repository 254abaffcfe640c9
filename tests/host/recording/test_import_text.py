"""Tables of text as programs in all countries write them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_import_bad_files import refusal
from test_import_formats import POSES, imported

import foreign_files as foreign
from myobridge.recording.importing.clock import clock_of
from myobridge.recording.importing.formats import look
from myobridge.recording.importing.text_layout import layout_of
from myobridge.recording.importing.text_numbers import NoNumber, UnevenRow, fields_of, numbers_of

COUNTS = foreign.counts(3000, 3)


def table(path, head="EMG 1,EMG 2,EMG 3", delimiter=",", form=str, end="\n", rows=COUNTS, encoding="utf-8"):
    lines = ([head] if head else []) + [delimiter.join(map(form, row)) for row in rows.tolist()]
    path.write_bytes((end.join(lines) + end).encode(encoding))
    return path


SHAPES = {
    "commas": {},
    "semicolons": {"head": "EMG 1;EMG 2;EMG 3", "delimiter": ";"},
    "tabs": {"head": "EMG 1\tEMG 2\tEMG 3", "delimiter": "\t"},
    "spaces": {"head": "EMG_1 EMG_2 EMG_3", "delimiter": "   "},
    "aligned spaces": {"head": "EMG_1 EMG_2 EMG_3", "delimiter": " ", "form": "{:9d}".format},
    "commas and spaces": {"delimiter": ", "},
    "decimal points": {"form": "{:.2f}".format},
    "decimal commas": {"head": "EMG 1;EMG 2;EMG 3", "delimiter": ";", "form": lambda n: f"{n},00"},
    "exponents": {"form": "{:.18e}".format},
    "plus signs": {"form": "{:+d}".format},
    "quotes": {"head": '"EMG 1","EMG 2","EMG 3"', "form": '"{}"'.format},
    "commas within quotes": {"head": '"EMG 1, raw","EMG 2, raw","say ""EMG 3, raw"""'},
    "line ends of Windows": {"end": "\r\n"},
    "empty lines": {"end": "\n\n"},
    "a byte-order mark": {"encoding": "utf-8-sig"},
    "Latin-1": {"head": "EMG 1 (µV),EMG 2 (µV),EMG 3 (µV)", "encoding": "latin-1"},
    "a preamble": {"head": "Device: amplifier\nSerial,77\n\n# by hand\nEMG 1,EMG 2,EMG 3"},
    "comments": {"head": "# EMG 1,EMG 2,EMG 3"},
}


def test_a_delimiter_within_quotes_is_part_of_a_name_or_of_a_word(tmp_path):
    rows = [f'{k},"fist, {("weak", "firm")[k // 50]}",{k}' for k in range(100)]
    (tmp_path / "a.csv").write_text("\n".join(['"EMG 1, raw",label,n', *rows, ""]))
    found = look(tmp_path / "a.csv")
    assert [column.name for column in found.columns] == ["EMG 1, raw", "label", "n"]
    (values,) = found.read((0, 1))
    assert values.tolist() == [[k, k // 50] for k in range(100)]
    assert found.columns[1].texts == ["fist, weak", "fist, firm"]


@pytest.mark.parametrize("name", SHAPES)
def test_the_layout_of_a_table_is_found(name, tmp_path):
    path = table(tmp_path / "a.txt", **SHAPES[name])
    said = {"uv_per_count": 1.0} if name == "Latin-1" else {}
    assert np.array_equal(imported(path, rate_hz=500.0, **said).counts, COUNTS)


def test_a_table_without_names_is_taken_by_numbers(tmp_path):
    path = table(tmp_path / "a.csv", head="")
    assert np.array_equal(imported(path, rate_hz=500.0, channels=("1", "3")).counts, COUNTS[:, [0, 2]])


def test_an_older_openbci_file_without_names_has_its_channels_in_the_second_column(tmp_path):
    head = "%OpenBCI Raw EEG Data\n%Number of channels = 2\n%Sample Rate = 250.0 Hz\n%First Column = SampleIndex"
    recording = imported(table(tmp_path / "a.txt", head, ", "), uv_per_count=1.0)
    assert np.array_equal(recording.counts, COUNTS[:, 1:]) and recording.fs_hz == 250


def test_brainflows_times_come_in_bursts_so_the_rate_is_asked_for(tmp_path):
    foreign.write_brainflow(tmp_path / "a.csv", 0.05, 8, 250)
    found = look(tmp_path / "a.csv")
    assert (found.form, found.says.unit, found.says.time) == ("BrainFlow", "uV", "column 10")
    assert "the times in 'column 10' are not regular; give the sampling rate with --rate" in refusal(
        tmp_path / "a.csv", channels=("2-9",)
    )


# --- labels ---------------------------------------------------------------------------------------------------


def test_words_in_a_column_of_labels_are_the_names_of_poses(tmp_path):
    words = np.repeat(["open", "rest", "Fist", "rest", "open"], 600)
    rows = [f"{a},{b},{c},{word}" for (a, b, c), word in zip(COUNTS.tolist(), words, strict=True)]
    (tmp_path / "a.csv").write_text("\n".join(["ch1,ch2,ch3,gesture", *rows]) + "\n")
    recording = imported(tmp_path / "a.csv", rate_hz=500.0, pose=POSES)
    assert np.array_equal(recording.label, np.repeat([2, 0, 1, 0, 2], 600))
    assert "labels without a pose ('open', 'Fist')" in refusal(tmp_path / "a.csv", rate_hz=500.0)


# --- times ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "factor"), [("time", 1), ("time (ms)", 1000), ("t_us", 1_000_000)])
def test_the_times_say_the_rate_and_a_jump_begins_a_take(name, factor, tmp_path):
    times = np.arange(3000) / 1000
    times[1200:] += 0.5
    rows = np.column_stack([times * factor, COUNTS])
    np.savetxt(tmp_path / "a.csv", rows, "%.4f", ",", header=f"{name},ch1,ch2,ch3", comments="")
    recording = imported(tmp_path / "a.csv", time=name)
    assert recording.fs_hz == 1000 and [*recording.takes()] == [slice(0, 1200), slice(1200, 3000)]


def test_times_that_are_not_in_seconds_are_refused(tmp_path):
    rows = np.column_stack([np.arange(3000), COUNTS])
    np.savetxt(tmp_path / "a.csv", rows, "%d", ",", header="time,ch1,ch2,ch3", comments="")
    assert "give 1 Hz, which is too slow for EMG; give the sampling rate with --rate" in refusal(tmp_path / "a.csv")


@given(st.floats(100, 30_000), st.integers(10, 5000))
def test_the_rate_of_a_clock_is_right_to_half_a_sample(rate_hz, samples):
    clock = clock_of(np.arange(samples) / rate_hz)
    assert abs(clock.rate_hz - rate_hz) * samples / rate_hz < 1 and not clock.breaks


def test_times_that_stand_still_say_no_rate():
    assert clock_of(np.zeros(100)).rate_hz is None and clock_of(np.zeros(1)).rate_hz is None


# --- mistakes -------------------------------------------------------------------------------------------------


def test_a_wrong_row_is_named_by_its_line(tmp_path):
    for wrong, why in {
        "1,2": "line 1002 has 2 values and the table has 3 columns; correct that line",
        "1,2,3,4": "line 1002 has 4 values",
        "1,x,3": "line 1002: the column 'EMG 2' holds 'x', which is not a number",
        "1,,3": "line 1002: the column 'EMG 2' holds nothing",
        "1,1.2.3,3": "holds '1.2.3', which is not a number",
        "nan,2,3": "the channel 'EMG 1' holds NaN or infinity at sample 1000",
    }.items():
        lines = table(tmp_path / "a.csv").read_text().splitlines()
        lines[1001] = wrong
        (tmp_path / "a.csv").write_text("\n".join(lines) + "\n")
        assert why in refusal(tmp_path / "a.csv", rate_hz=500.0)


def test_decimal_commas_between_commas_are_refused(tmp_path):
    path = table(tmp_path / "a.csv", form=lambda n: f"{n},5")
    assert "name them with --channels" in refusal(path, rate_hz=500.0)
    rows = "\n".join("1.5,2.5,3.5" for _ in range(500))
    path.write_text(f"EMG 1,EMG 2,EMG 3\n{rows}\n1,5,2,5,3,5\n{rows}\n")
    assert "save the table again with decimal points" in refusal(path, rate_hz=500.0, unit="uV")


def test_an_endless_line_is_refused(tmp_path):
    table(tmp_path / "a.csv")
    with (tmp_path / "a.csv").open("ab") as file:
        file.write(b"1" * 4_000_000)
    assert "has a line of more than 64 KiB" in refusal(tmp_path / "a.csv", rate_hz=500.0)


# --- numbers --------------------------------------------------------------------------------------------------

NUMBERS = st.one_of(
    st.integers(-(10**18), 10**18).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.decimals(-10000, 10000, places=6).map(str),
    st.sampled_from(["0", "-0", "1.", ".5", "-.5", "+1", "1e3", "nan", "inf", "007"]),
)


@given(st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS), min_size=1, max_size=20))
def test_numbers_are_read_as_python_reads_them(rows):
    data = "".join(",".join(row) + "\n" for row in rows).encode()
    values = numbers_of(data, *fields_of(data, ord(","), 3))
    assert np.array_equal(values, [[float(field) for field in row] for row in rows], equal_nan=True)


def test_what_is_not_a_number_is_refused_with_its_place():
    for field in ("", "-", ".", "1-2", "0x1", "1 2", "--1"):
        data = f"1,2\n3,{field}\n".encode()
        with pytest.raises(NoNumber) as error:
            numbers_of(data, *fields_of(data, ord(","), 2))
        assert error.value.args == (1, 1, field)
    with pytest.raises(UnevenRow) as uneven:
        fields_of(b"1,2\n3\n4,5\n", ord(","), 2)
    assert uneven.value.args == (1, 1)


@given(st.text(max_size=300), st.booleans())
def test_no_text_makes_the_search_for_a_layout_fail(text, whole):
    layout_of(text, whole=whole)
