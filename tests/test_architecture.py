"""The rooms of the design: imports go downwards only."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
MAY_IMPORT = {"core": {"core"}, "jobs": {"jobs", "core"}, "campaign_ui": {"campaign_ui", "core"}}
NOT_IN_CORE = {"nicegui", "fastapi", "starlette", "huey"}
# Inside core, each layer may import those before it and itself.
LAYERS = [
    {
        "errors",
        "config",
        "backup",
        "clock",
        "crypto",
        "db",
        "hot",
        "live",
        "models",
        "sqlite_file",
        "migrate",
        "migrations",
        "turns",
    },
    {"accounts", "tries", "members", "reset_password"},
    {"audience"},
    {"content"},
    {"delivery"},
    {"tracking"},
    {"campaigns"},
    {"stats"},
]


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _files(room: str) -> Iterator[Path]:
    return (path for path in (ROOT / room).rglob("*.py") if "versions" not in path.parts)


def test_rooms_import_only_downwards() -> None:
    for room, allowed in MAY_IMPORT.items():
        for path in _files(room):
            for name in _imports(path):
                top = name.split(".")[0]
                assert top not in MAY_IMPORT.keys() - allowed, f"{path} imports {name}"
                assert room != "core" or top not in NOT_IN_CORE, f"{path} imports {name}"


def test_layers_of_core_import_only_downwards() -> None:
    depth = {name: level for level, names in enumerate(LAYERS) for name in names}
    for path in _files("core"):
        own = path.relative_to(ROOT / "core").parts[0].removesuffix(".py")
        if own == "__init__":
            continue
        for name in _imports(path):
            parts = name.split(".")
            if parts[0] == "core" and len(parts) > 1 and parts[1] in depth:
                assert depth[parts[1]] <= depth[own], f"{path} imports {name}"


def test_pages_do_not_import_pages() -> None:
    for path in _files("campaign_ui/pages"):
        if path.name != "__init__.py":
            assert not any(name.startswith("campaign_ui.pages") for name in _imports(path)), path


def test_no_file_is_much_longer_than_300_lines() -> None:
    for room in MAY_IMPORT:
        for path in _files(room):
            assert len(path.read_text().splitlines()) <= 320, path


def test_only_the_clock_asks_for_the_time() -> None:
    for room in MAY_IMPORT:
        for path in _files(room):
            if path != ROOT / "core" / "clock.py":
                source = path.read_text()
                assert "datetime.now(" not in source and "utcnow()" not in source.replace("clock.utcnow()", ""), path


def test_only_two_places_hand_a_mail_to_a_server_and_both_send_what_a_render_made() -> None:
    files = {str(path.relative_to(ROOT)): path for room in MAY_IMPORT for path in _files(room)}
    sending = {name for name, path in files.items() if "smtp.envelope(" in path.read_text()}
    assert sending == {"jobs/maker.py", "core/campaigns/testmail.py"}
    for name in sending:
        assert ".render(" in (ROOT / name).read_text()
    others = {name for name, path in files.items() if {"smtplib", "aiosmtplib"} & set(_imports(path))}
    assert others == {"core/delivery/probe.py"}  # it tries an account and sends nothing
