"""Our own rules that no linter knows. Each failure names the file and the line."""

import ast
import re
from collections.abc import Iterator
from enum import Enum
from pathlib import Path

from app.errors import REASONS, ServiceReason
from app.settings import Settings
from app.settings_loading import PREFIXES
from app.telemetry import Metrics
from middleware.admission import AdmissionCore, AdmissionReason
from middleware.problem import HttpReason, WireReason
from tests.admission import SETTINGS
from tests.project_files import (
    Where,
    at,
    content,
    expect_none,
    is_text,
    lines,
    literals,
    names,
    nodes,
    python,
    text,
    tree,
)

RUNBOOK = "k8s/RUNBOOK.md"
TELEMETRY = "app/telemetry.py"
MAKE_METRICS = {TELEMETRY, "app/gate_collector.py"}

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70
TEST_SLEEP_S_MAX = 0.5
POLL_S_MAX = 0.1

SERVICE = ("app/", "middleware/", "db/")
PACKAGES = ("app/", "middleware/", "db/", "benchmarks/")
CODE = {"", ".py", ".sql", ".sh", ".toml", ".yaml", ".yml", ".html", ".css", ".js"}
"""Makefile and the like have no suffix."""

# Put together here, so that this file does not hold what it forbids.
MARKERS = ["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK", "NotImplemented" + "Error"]
REGISTRIES = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pypi", "python", "org"),
        ("pythonhosted", "org"),
        ("anaconda", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("yarnpkg", "com"),
        ("proxy", "golang", "org"),
        ("crates", "io"),
        ("rubygems", "org"),
        ("maven", "org"),
        ("maven", "apache", "org"),
        ("nuget", "org"),
        ("deb", "debian", "org"),
        ("archive", "ubuntu", "com"),
        ("docker", "io"),
        ("ghcr", "io"),
        ("quay", "io"),
        ("registry", "k8s", "io"),
    )
]


# ── settings ──────────────────────────────────────────────────────────────────────────────────────


def shown(default: object) -> str:
    """Return a default as an operator writes it."""
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, float):
        return f"{default:g}"
    return str(default.value) if isinstance(default, Enum) else str(default)


def test_every_setting_has_a_row_in_the_readme_with_its_default() -> None:
    rows = [
        (number, [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
        for _, number, line in lines(["README.md"])
        if re.fullmatch(r"\| `\w+` \|.*\|", line)
    ]
    wrong: list[Where] = []
    for field, info in Settings.model_fields.items():
        name = field.upper()
        found = [(number, cells) for number, cells in rows if cells[0] == f"`{name}`"]
        if len(found) != 1:
            wrong.append(("README.md", 1, f"{len(found)} table rows begin with `{name}`"))
            continue
        [(number, cells)] = found
        # None is explained in words. Thousands may be grouped, and a unit may follow.
        cell = re.sub(r"(?<=\d)[,_ ](?=\d{3})", "", cells[1])
        default = re.compile(rf"(?<![\w.]){re.escape(shown(info.default))}(?:\.0)?(?!\.?\w)")
        if info.default is not None and not default.search(cell):
            expected = f"the default of {name} is {shown(info.default)}, not {cells[1]!r}"
            wrong.append(("README.md", number, expected))
    expect_none(wrong)


def test_documents_name_only_settings_that_exist() -> None:
    known = {field.upper() for field in Settings.model_fields}
    known |= {kind.error_code for kind in REASONS.values()}
    words = re.compile(rf"\b(?:{'|'.join(PREFIXES)})[A-Z_]*[A-Z]\b")
    documents = [name for name in names() if name in {"README.md", RUNBOOK, "k8s/README.md"}]
    expect_none(
        (name, number, f"there is no setting {word}")
        for name, number, line in lines(documents)
        for word in words.findall(line)
        if word not in known
    )


# ── SQL ───────────────────────────────────────────────────────────────────────────────────────────


def test_every_sql_name_is_defined_once_and_used_once() -> None:
    defined: dict[str, list[Where]] = {}
    for where in lines(name for name in names() if re.fullmatch(r"db/queries/.*\.sql", name)):
        if match := re.match(r"-- ([a-z_]+): ", where[2]):
            defined.setdefault(match[1], []).append(where)
    used: dict[str, list[Where]] = {name: [] for name in defined}
    for where in literals("db/"):
        if where[2] in used:
            used[where[2]].append(where)
    assert defined
    expect_none(
        (*where[:2], f"{name} is defined at {at(defined[name])} and used at {at(used[name])}")
        for name, [where, *_] in defined.items()
        if len(defined[name]) != 1 or len(used[name]) != 1
    )


# ── reasons ───────────────────────────────────────────────────────────────────────────────────────


def test_every_reason_has_one_runbook_section() -> None:
    headings: dict[str, list[int]] = {reason: [] for reason in REASONS}
    for _, number, line in lines([RUNBOOK]):
        if match := re.fullmatch(r"### ([a-z_]+)", line):
            headings.setdefault(match[1], []).append(number)
    expect_none(
        (RUNBOOK, found[0] if found else 1, f"{len(found)} sections, one expected: ### {reason}")
        for reason, found in headings.items()
        if len(found) != 1 or reason not in REASONS
    )


def test_reasons_are_told_apart_and_the_gate_s_are_all_answered() -> None:
    """One enum a folder; the core's reasons mean something only on the wire.

    Why an event is rejected is told of one event in an answer, and apart from these.
    """
    enums = WireReason.__subclasses__()
    assert {HttpReason, ServiceReason} <= set(enums)
    assert sum(map(len, enums)) == len(REASONS)
    assert {reason.value for reason in AdmissionReason} <= REASONS.keys()
    assert [(r.name, r.value) for r in AdmissionReason if HttpReason[r.name] != r.value] == []


# ── names ─────────────────────────────────────────────────────────────────────────────────────────


def test_no_class_has_the_name_of_another() -> None:
    places: dict[str, list[Where]] = {}
    for name in python(*SERVICE):
        for node in tree(name).body:
            if isinstance(node, ast.ClassDef):
                found = places.setdefault(node.name.strip("_"), [])
                found.append((name, node.lineno, f"there is another class {node.name}"))
    expect_none(where for found in places.values() if len(found) > 1 for where in found)


# ── metrics ───────────────────────────────────────────────────────────────────────────────────────


def metric_names() -> list[str]:
    """Return the names as they are written in code: a counter's with _total."""
    return [
        f"{family.name}_total" if family.type == "counter" else family.name
        for family in _metrics().registry.collect()
        if not family.name.startswith("process_")
    ]


def _metrics() -> Metrics:
    metrics = Metrics()
    metrics.watch_admission(lambda: AdmissionCore(SETTINGS).snapshot(0))
    return metrics


def test_every_metric_is_named_once_and_where_metrics_are_made() -> None:
    written: dict[str, list[Where]] = {name: [] for name in metric_names()}
    for where in literals(*PACKAGES):
        if where[2] in written:
            written[where[2]].append(where)
    expect_none(
        (*(found or [(TELEMETRY, 1, "")])[0][:2], f"{name} is written at {at(found)}")
        for name, found in written.items()
        if len(found) != 1 or found[0][0] not in MAKE_METRICS
    )


def test_no_other_module_makes_metrics() -> None:
    kinds = {"Counter", "Gauge", "Histogram", "Summary", "Info", "Enum", "GaugeMetricFamily"}
    at_most = " or ".join(sorted(MAKE_METRICS))
    expect_none(
        (name, node.lineno, f"prometheus_client's metrics belong into {at_most}")
        for name, node in nodes("app/", "middleware/", "db/")
        if name not in MAKE_METRICS
        and isinstance(node, ast.ImportFrom)
        and str(node.module).startswith("prometheus_client")
        and kinds & {alias.name for alias in node.names}
    )


def test_the_runbook_names_only_metrics_that_exist() -> None:
    exposed = {name for family in _metrics().registry.collect() for name in [family.name]}
    suffix = re.compile(r"_(?:total|bucket|count|sum)$")
    words = re.compile(r"\b(?:admission|http_server|front_door|db_client|event_loop|process)_\w+")
    not_metrics = {"admission_mode"}
    expect_none(
        (name, number, f"there is no metric {word}")
        for name, number, line in lines([RUNBOOK])
        for word in words.findall(line)
        if not {word, suffix.sub("", word)} & (exposed | not_metrics)
    )


# ── maps ──────────────────────────────────────────────────────────────────────────────────────────


# ── size ──────────────────────────────────────────────────────────────────────────────────────────


def function_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return how many lines a function has, its docstring and decorators left out."""
    total = (node.end_lineno or node.lineno) - node.lineno + 1
    first = node.body[0]
    if ast.get_docstring(node, clean=False) is not None:
        total -= (first.end_lineno or first.lineno) - first.lineno + 1
    return total


def test_functions_fit_on_a_screen() -> None:
    expect_none(
        (name, node.lineno, f"{node.name} has {function_lines(node)} lines")
        for name, node in nodes(*PACKAGES)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and function_lines(node) > FUNCTION_LINES_MAX
    )


def test_modules_have_one_subject() -> None:
    counts = ((name, len(text(name).splitlines())) for name in python())
    expect_none(
        (name, count, f"more than {FILE_LINES_MAX} lines")
        for name, count in counts
        if count > FILE_LINES_MAX
    )


# ── every file ────────────────────────────────────────────────────────────────────────────────────


def test_text_is_utf8_and_ends_with_a_newline() -> None:
    wrong: list[Where] = []
    for name in filter(is_text, names()):
        body = content(name)
        try:
            body.decode("utf-8")
        except UnicodeDecodeError as error:
            wrong.append((name, body.count(b"\n", 0, error.start) + 1, "not UTF-8"))
        if body and not body.endswith(b"\n"):
            wrong.append((name, body.count(b"\n") + 1, "no newline at the end"))
    expect_none(wrong)


def test_no_file_names_a_package_registry() -> None:
    """Whoever builds this may have mirrors; pip's own configuration knows them."""
    hosts = re.compile(rf"\b(?:{'|'.join(map(re.escape, REGISTRIES))})\b", re.IGNORECASE)
    expect_none(
        (name, number, f"names the registry {match[0]}")
        for name, number, line in lines(filter(is_text, names()))
        if (match := hosts.search(line))
    )


def test_requirements_hold_no_address() -> None:
    expect_none(
        (name, number, "an address in a requirements file")
        for name, number, line in lines(n for n in names() if n.startswith("requirements"))
        if "://" in line or "index-url" in line
    )


def test_nothing_is_left_for_later() -> None:
    markers = re.compile(rf"\b(?:{'|'.join(MARKERS)})\b")
    code = (name for name in names() if Path(name).suffix in CODE and is_text(name))
    expect_none(
        (name, number, f"{match[0]}: do it, or file an issue")
        for name, number, line in lines(code)
        if (match := markers.search(line))
    )


# ── tests ─────────────────────────────────────────────────────────────────────────────────────────


def mentions(node: ast.AST, banned: set[str]) -> bool:
    """Tell whether this is one of the names, or imports one."""
    if isinstance(node, ast.ImportFrom):
        return any(f"{node.module}.{alias.name}" in banned for alias in node.names)
    return isinstance(node, ast.Attribute) and ast.unparse(node) in banned


def in_virtual_time(name: str) -> bool:
    return any(
        isinstance(node, ast.ImportFrom) and node.module == "tests.virtual_time"
        for node in ast.walk(tree(name))
    )


def sleeps_too_long(name: str) -> Iterator[ast.Call]:
    """Yield the sleeps that a suite would feel. A loop that asks again and again may rest."""
    loops = (node for node in ast.walk(tree(name)) if isinstance(node, ast.While))
    polls = {node for loop in loops for node in ast.walk(loop)}
    for node in ast.walk(tree(name)):
        match node:
            case ast.Call(args=[ast.Constant(value=int() | float() as seconds)]):
                short = seconds <= POLL_S_MAX and node in polls
            case ast.Call():
                seconds, short = 0, False
            case _:
                continue
        called = ast.unparse(node.func)
        if (called == "time.sleep" and not short) or (
            called == "asyncio.sleep" and seconds >= TEST_SLEEP_S_MAX and not in_virtual_time(name)
        ):
            yield node


def test_tests_wait_for_what_they_expect_and_not_for_time_to_pass() -> None:
    expect_none(
        (name, node.lineno, "pass the time in, or wait for what is expected")
        for name in python("tests/")
        for node in sleeps_too_long(name)
    )
    expect_none(
        (name, getattr(node, "lineno", 1), "import the module, so that a sleep is seen as one")
        for name, node in nodes("tests/")
        if isinstance(node, ast.ImportFrom) and mentions(node, {"time.sleep", "asyncio.sleep"})
    )


def test_a_test_that_cannot_run_fails() -> None:
    banned = {f"pytest.{name}" for name in ("skip", "xfail", "importorskip")}
    banned |= {f"pytest.mark.{name}" for name in ("skip", "skipif", "xfail")}
    banned |= {f"unittest.{name}" for name in ("skip", "skipIf", "skipUnless", "SkipTest")}
    expect_none(
        (name, getattr(node, "lineno", 1), "tests neither skip nor expect to fail")
        for name, node in nodes("tests/")
        if mentions(node, banned)
    )
