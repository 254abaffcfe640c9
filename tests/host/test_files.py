"""A file is whole or absent, whatever ends its writer."""

import os
import signal
import stat
import subprocess
import sys
import textwrap
import threading
from itertools import count
from pathlib import Path

import pytest

from myobridge import files
from myobridge.errors import UserError
from myobridge.files import DRAFT, LOCK, draft, locked, write_bytes, write_text


def only(path):
    """The folder holds only this file, no draft and no lock."""
    return [entry.name for entry in path.parent.iterdir()] == [path.name]


def child(code, *arguments):
    """A Python process that runs the code."""
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)], stdout=subprocess.PIPE, text=True
    )


@pytest.fixture
def old(tmp_path):
    path = tmp_path / "figures.json"
    path.write_text("before")
    return path


def test_a_file_is_written_and_overwritten(tmp_path):
    path = tmp_path / "figures.json"
    write_text(path, "Wärme")
    write_text(path, "Kälte")
    assert path.read_bytes() == "Kälte".encode() and only(path)


def test_the_previous_file_exists_until_the_block_ends(old):
    with draft(old) as half:
        half.write_text("after")
        assert old.read_text() == "before" and half.parent == old.parent and half.suffix == old.suffix
    assert old.read_text() == "after" and only(old)


@pytest.mark.parametrize("end", [ValueError, KeyboardInterrupt, SystemExit, MemoryError])
def test_any_exception_in_the_block_keeps_the_previous_file(old, end):
    with pytest.raises(end), draft(old) as half:
        half.write_text("after")
        raise end
    assert old.read_text() == "before" and only(old)


def test_a_full_disk_keeps_the_previous_file_and_raises_one_sentence(old):
    process = child(
        """
        import resource, sys
        from pathlib import Path
        from myobridge.errors import UserError
        from myobridge.files import write_bytes
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        try:
            write_bytes(Path(sys.argv[1]), bytes(100_000))
        except UserError as error:
            print(error)
        """,
        old,
    )
    said = process.communicate()[0]
    assert said == (
        f"{old} cannot be written (File too large): choose a place that takes large files; "
        "the previous file is unchanged.\n"
    )
    assert old.read_text() == "before" and only(old)


def test_a_disk_that_refuses_the_data_at_fsync_is_noticed(old, monkeypatch):
    def full(_fd):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match=r"No space left on device\): make room .*; the previous file is unchanged"):
        write_text(old, "after")
    assert old.read_text() == "before" and only(old)


def interrupted_at(instruction, code):
    """A tracer that raises KeyboardInterrupt before this instruction of a function, as Ctrl-C may."""
    left = count(instruction, -1)

    def trace(frame, event, _argument):
        frame.f_trace_opcodes = frame.f_code is code
        if frame.f_code is code and event == "opcode" and next(left) == 0:
            raise KeyboardInterrupt
        return trace

    return trace


def test_an_interruption_at_any_moment_at_which_a_draft_is_made_leaves_no_draft(old):
    for instruction in count():
        sys.settrace(interrupted_at(instruction, files._own.__code__))
        try:
            write_text(old, "after")
        except KeyboardInterrupt:
            assert old.read_text() == "before" and only(old), instruction
        else:
            break
        finally:
            sys.settrace(None)
    assert old.read_text() == "after" and instruction > 20


def test_a_killed_writer_leaves_the_previous_file_and_the_next_writer_removes_its_draft(old):
    process = child(
        """
        import signal, sys
        from pathlib import Path
        from myobridge.files import draft
        with draft(Path(sys.argv[1])) as half:
            half.write_text("half")
            print("half", flush=True)
            signal.pause()
        """,
        old,
    )
    process.stdout.readline()
    write_text(old, "by another writer, which leaves the draft of a running writer alone")
    assert len(list(old.parent.glob(f"{DRAFT}*"))) == 1
    process.kill()
    process.wait()
    write_text(old, "after")
    assert old.read_text() == "after" and only(old)


def test_a_new_file_does_not_replace_another(old, tmp_path):
    with pytest.raises(UserError, match=r"the file exists already: choose another name\.$"):
        with draft(old, new=True):
            pytest.fail("the block does not run")
    path = tmp_path / "other"
    with pytest.raises(UserError, match="the file exists already"):
        with draft(path, new=True) as half:
            half.write_text("mine")
            path.write_text("of a faster writer")
    assert old.read_text() == "before" and path.read_text() == "of a faster writer"


def test_new_files_work_on_a_file_system_without_links(tmp_path, monkeypatch):
    def no_links(_self, _other):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(files.Path, "hardlink_to", no_links)
    path = tmp_path / "new"
    with draft(path, new=True) as half:
        half.write_text("mine")
    path.unlink()
    with pytest.raises(UserError, match="the file exists already"), draft(path, new=True):
        path.write_text("of a faster writer")
    assert path.read_text() == "of a faster writer" and only(path)


def test_links_are_followed_and_modes_kept(old, tmp_path):
    link = tmp_path / "sub" / "link"
    link.parent.mkdir()
    link.symlink_to(old)
    old.chmod(0o600)
    write_text(link, "after")
    assert link.is_symlink() and old.read_text() == "after" and stat.S_IMODE(old.stat().st_mode) == 0o600


def test_pipes_and_devices_are_written_directly(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    heard = []
    reader = threading.Thread(target=lambda: heard.append(pipe.read_bytes()))
    reader.start()
    write_bytes(pipe, b"through")
    reader.join()
    assert heard == [b"through"] and stat.S_ISFIFO(pipe.stat().st_mode) and only(pipe)
    with pytest.raises(
        UserError, match=r"^/dev/full cannot be written \(No space left on device\): make room .*place\.$"
    ):
        write_text(files.Path("/dev/full"), "x")


def test_the_error_names_the_reason_of_the_system(tmp_path):
    with pytest.raises(UserError, match=r"No such file or directory\): make its folder first"):
        write_text(tmp_path / "none" / "x", "")
    (tmp_path / "folder").mkdir()
    with pytest.raises(UserError, match=r"Is a directory\): a folder has this name: choose another name"):
        write_text(tmp_path / "folder", "")
    with pytest.raises(UserError, match="Not a directory"):
        (tmp_path / "file").write_text("")
        write_text(tmp_path / "file" / "x", "")
    write_text(tmp_path / ("n" * 250 + ".json"), "a long name works too")


def test_an_error_about_another_file_is_passed_on(tmp_path):
    with pytest.raises(FileNotFoundError), draft(tmp_path / "out"):
        (tmp_path / "in").read_bytes()


def test_only_one_thread_at_a_time_is_in_a_locked_folder(tmp_path):
    inside, most = count(), []

    def work():
        for _ in range(20):
            with locked(tmp_path):
                text = (tmp_path / "n").read_text() if (tmp_path / "n").exists() else "0"
                (tmp_path / "n").write_text(str(int(text) + 1))
                most.append(next(inside))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / "n").read_text() == "80" and only(tmp_path / "n")


def test_the_lock_of_a_killed_process_is_released(tmp_path):
    holder = child(
        """
        import signal, sys
        from pathlib import Path
        from myobridge.files import locked
        with locked(Path(sys.argv[1])):
            print("locked", flush=True)
            signal.pause()
        """,
        tmp_path,
    )
    holder.stdout.readline()
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert (tmp_path / LOCK).exists()
    with locked(tmp_path):
        pass
    assert not (tmp_path / LOCK).exists()


def test_a_lock_that_is_not_released_raises_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "PATIENCE_S", 0.0)
    with locked(tmp_path), pytest.raises(UserError, match="Another program has been writing to"), locked(tmp_path):
        pass


def test_a_folder_that_cannot_be_locked_raises_an_error(tmp_path):
    with pytest.raises(UserError, match="No such file or directory"), locked(tmp_path / "none"):
        pass


@pytest.mark.slow
def test_a_file_is_whole_or_unchanged_after_a_kill_at_any_moment(tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(bytes([0]) * 1_000_000)
    for number in range(1, 31):
        process = child(
            """
            import sys
            from pathlib import Path
            from myobridge.files import write_bytes
            data = bytes([int(sys.argv[2])]) * 1_000_000
            print("ready", flush=True)
            while True:
                write_bytes(Path(sys.argv[1]), data)
            """,
            path,
            number,
        )
        process.stdout.readline()
        threading.Event().wait(0.002 * number)
        process.kill()
        process.wait()
        data = path.read_bytes()
        assert len(data) == 1_000_000 and len(set(data)) == 1
    write_text(path, "after")
    assert only(path)


def test_a_pipe_is_written_if_it_has_a_reader_and_refused_otherwise(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(UserError, match="no program reads this pipe"):
        write_text(pipe, "lost")
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_text(pipe, "read")
    assert os.read(reader, 100) == b"read"
    os.close(reader)
    assert pipe.is_fifo()


def test_an_unnamed_pipe_from_a_shell_is_written():
    """`--json /dev/stdout | …`, `--json >(…)`."""
    reader, writer = os.pipe()
    write_text(Path(f"/dev/fd/{writer}"), "read")
    assert os.read(reader, 100) == b"read"
    os.close(reader)
    os.close(writer)
