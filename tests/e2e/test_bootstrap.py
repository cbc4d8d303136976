"""bootstrap.sh in a checkout of its own that requires nothing from a registry."""

import os
import pty
import re
import shutil
import signal
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.children import AS_AT_A_TERMINAL
from tests.eventually import PATIENCE_S, eventually

CHECKOUT = Path(__file__).parents[2]
TOOLS = ("sh", "dirname", "sed", "sort", "cut", "head", "grep", "awk", "rm", "rmdir", "mkdir", "mv")
PYTHON = sys._base_executable  # type: ignore[attr-defined]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Give a folder with bootstrap.sh, two empty requirement files, and a PATH without Pythons."""
    folder = tmp_path / "my checkout"
    (folder / "path").mkdir(parents=True)
    shutil.copy(CHECKOUT / "bootstrap.sh", folder)
    for name in ("requirements.txt", "requirements-dev.txt"):
        (folder / name).write_text("# none\n")
    for tool in (*TOOLS, "sha256sum", "sleep"):
        (folder / "path" / tool).symlink_to(shutil.which(tool) or tool)
    return folder


def add_python(checkout: Path, name: str, script: str = f'exec "{PYTHON}" "$@"') -> None:
    path = checkout / "path" / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def command(checkout: Path, what: str, **environ: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [*AS_AT_A_TERMINAL, checkout / "bootstrap.sh", what],
        env={"PATH": str(checkout / "path"), **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def bootstrap(checkout: Path, what: str, **environ: str) -> tuple[int, str]:
    """Return the exit code, and all that it said."""
    process = command(checkout, what, **environ)
    out, err = process.communicate(timeout=PATIENCE_S)
    return process.returncode, out + err


def test_it_makes_an_environment_once(checkout: Path) -> None:
    add_python(checkout, "python3")
    code, said = bootstrap(checkout, "run")
    assert (code, "making" in said, "installing requirements.txt" in said) == (0, True, True)
    assert bootstrap(checkout, "run") == (0, "")
    done = subprocess.run(
        [checkout / ".venv/bin/python", "-c", "import sys; print(sys.prefix)"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == str(checkout / ".venv")


def test_an_environment_for_tests_also_runs_the_service_until_requirements_change(
    checkout: Path,
) -> None:
    add_python(checkout, "python3")
    assert bootstrap(checkout, "dev")[0] == 0
    assert bootstrap(checkout, "run") == (0, "")
    (checkout / "requirements.txt").write_text("# still none\n")
    for what, name in (("run", "requirements.txt"), ("dev", "requirements-dev.txt")):
        code, said = bootstrap(checkout, what)
        assert (code, said.count("\n")) == (0, 1)
        assert re.match(
            rf"bootstrap: installing {name}: 0 packages, up to \d+ MB to fetch; .*once", said
        )
        assert bootstrap(checkout, what) == (0, "")


def test_only_what_has_the_listed_hash_is_installed(checkout: Path) -> None:
    add_python(checkout, "python3")
    local = only_from(checkout.parent)
    wheel = make_wheel(checkout.parent)
    requirements = checkout / "requirements.txt"
    for wrong in ("tiny==1.0\n", f"tiny==1.0 --hash=sha256:{'0' * 64}\n"):
        requirements.write_text(wrong)
        code, said = bootstrap(checkout, "run", **local)
        assert code == 1
        assert "pip could not install requirements.txt" in said
        assert "hash" in said.lower()
    digest = sha256(wheel.read_bytes()).hexdigest()
    requirements.write_text(f"tiny==1.0 --hash=sha256:{digest}\n")
    assert bootstrap(checkout, "run", **local)[0] == 0
    subprocess.run([checkout / ".venv/bin/python", "-c", "import tiny"], check=True)


def only_from(folder: Path) -> dict[str, str]:
    return {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder)}


def at_a_terminal(checkout: Path, **environ: str) -> tuple[int, str]:
    """Return the exit code, and all that a terminal was sent."""
    ours, its = pty.openpty()
    done = subprocess.run(
        [checkout / "bootstrap.sh", "run"],
        env={"PATH": str(checkout / "path"), **environ},
        stdout=its,
        stderr=its,
        check=False,
        timeout=PATIENCE_S,
    )
    os.write(its, b"<end>")
    said = b""
    while not said.endswith(b"<end>"):
        said += os.read(ours, 4096)
    os.close(ours)
    os.close(its)
    return done.returncode, said.decode()


def test_at_a_terminal_one_line_says_how_far_it_is(checkout: Path) -> None:
    add_python(checkout, "python3")
    digest = sha256(make_wheel(checkout.parent).read_bytes()).hexdigest()
    for hash_, code in (("0" * 64, 1), (digest, 0)):
        (checkout / "requirements.txt").write_text(f"tiny==1.0 --hash=sha256:{hash_}\n")
        ended, said = at_a_terminal(checkout, **only_from(checkout.parent))
        assert (ended, "bootstrap: 1 of 1: tiny" in said) == (code, True)
        assert ("HASHES" in said, "pip could not install" in said) == (code == 1, code == 1)


def make_wheel(folder: Path) -> Path:
    wheel = folder / "tiny-1.0-py3-none-any.whl"
    about = "tiny-1.0.dist-info"
    with ZipFile(wheel, "w") as file:
        file.writestr("tiny.py", "")
        file.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        file.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        file.writestr(f"{about}/RECORD", "")
    return wheel


def test_a_half_built_environment_is_built_anew(checkout: Path) -> None:
    add_python(checkout, "python3")
    bootstrap(checkout, "run")
    (checkout / ".venv/bootstrap.stamp").unlink()
    (checkout / ".venv/bin/pip").unlink()
    code, said = bootstrap(checkout, "run")
    assert (code, "making" in said) == (0, True)
    assert (checkout / ".venv/bin/pip").exists()


def test_a_moved_checkout_gets_an_environment_that_works_there(checkout: Path) -> None:
    add_python(checkout, "python3")
    bootstrap(checkout, "run")
    moved = checkout.rename(checkout.with_name("moved"))
    assert "making" in bootstrap(moved, "run")[1]
    subprocess.run([moved / ".venv/bin/pip", "--version"], check=True, capture_output=True)


def test_another_folder_that_holds_something_else_is_left_alone(checkout: Path) -> None:
    add_python(checkout, "python3")
    (checkout / "letters").mkdir()
    (checkout / "letters" / "one").write_text("dear")
    code, said = bootstrap(checkout, "run", VENV="letters")
    assert code == 1
    assert "is not a virtual environment" in said
    assert (checkout / "letters" / "one").read_text() == "dear"


def test_shims_that_only_print_an_error_are_passed_over(checkout: Path) -> None:
    add_python(checkout, "python3.14", "echo 'not installed here' >&2; exit 127")
    add_python(checkout, "python3.13", "echo 'no such version'; exit 0")
    add_python(checkout, "python3.12", "echo 3.12; exit 1")
    add_python(checkout, "python3")
    listed = bootstrap(checkout, "pythons")[1].splitlines()
    assert [line.rpartition(" ")[0] for line in listed][-1:] == [
        "{}.{}.{}".format(*sys.version_info[:3])
    ]
    assert bootstrap(checkout, "run")[0] == 0


def answer(minor: int, able: str = "yes") -> str:
    return f"echo {able} {minor} 3.{minor}.1 /python3.{minor}"


def test_the_newest_python_comes_first_whatever_its_name(checkout: Path) -> None:
    add_python(checkout, "python3.11", answer(11))
    add_python(checkout, "python3.12", answer(12))
    add_python(checkout, "python3", answer(13))
    add_python(checkout, "python3.14", answer(14, able="no"))
    assert bootstrap(checkout, "pythons") == (
        0,
        "3.13.1 /python3.13\n3.12.1 /python3.12\n3.11.1 /python3.11\n",
    )


def test_the_first_of_two_equal_pythons_on_the_path_is_taken(checkout: Path) -> None:
    other = checkout / "other"
    other.mkdir()
    add_python(checkout, "python3.12", answer(12))
    add_python(checkout, "python3.11", answer(11))
    shutil.move(checkout / "path" / "python3.12", other / "python3.12")
    add_python(checkout, "python3.12", "echo yes 12 3.12.9 /first")
    path = f"{checkout / 'path'}:{other}"
    assert bootstrap(checkout, "pythons", PATH=path)[1].splitlines()[0] == "3.12.9 /first"


def test_a_python_without_its_venv_package_is_one_line_that_names_it(checkout: Path) -> None:
    add_python(checkout, "python3.11", answer(11, able="no"))
    code, said = bootstrap(checkout, "run")
    assert (code, said.count("\n")) == (1, 1)
    assert "install the package python3.11-venv" in said


def test_no_python_is_one_line_that_says_what_to_install(checkout: Path) -> None:
    add_python(checkout, "python3", "exit 1")
    code, said = bootstrap(checkout, "run")
    assert (code, said.count("\n")) == (1, 1)
    assert "python3-venv" in said


def test_a_given_python_that_does_not_do_is_one_line(checkout: Path) -> None:
    code, said = bootstrap(checkout, "run", PYTHON="python9")
    assert (code, said.count("\n")) == (1, 1)
    assert "PYTHON=python9" in said


def processes_of(folder: Path) -> list[str]:
    """Return the command lines of what runs programs or works on files of a folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            text = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(folder) in text:
            found.append(text)
    return found


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_interrupted_run_leaves_no_process_and_is_made_good(
    checkout: Path, number: signal.Signals
) -> None:
    add_python(checkout, "python3")
    process = command(checkout, "run")
    eventually(lambda: any((checkout / ".venv").glob("lib/*/site-packages/pip")))
    process.send_signal(number)
    process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 128 + number
    eventually(lambda: not processes_of(checkout))
    assert "making" in bootstrap(checkout, "run")[1]
    assert bootstrap(checkout, "run") == (0, "")


def test_of_two_runs_at_once_one_works_and_both_succeed(checkout: Path) -> None:
    flock = shutil.which("flock")
    assert flock is not None
    (checkout / "path" / "flock").symlink_to(flock)
    add_python(checkout, "python3")
    both = [command(checkout, "run") for _ in range(2)]
    said = [process.communicate(timeout=PATIENCE_S)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sum("making" in text for text in said) == 1
    assert os.access(checkout / ".venv/bin/python", os.X_OK)
