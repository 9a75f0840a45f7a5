"""From the start of the program to its first page, beside a NiceGUI program of one line."""

import asyncio
import os
import statistics
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from time import perf_counter

from bench import report
from tests.e2e.product import ROOT, free_port

ROUNDS = 5
BARE = """import os
from nicegui import ui
ui.label('hello')
ui.run(port=int(os.environ['PORT']), reload=False, show=False)
"""


async def run() -> None:
    ours, bare = [], []
    with tempfile.TemporaryDirectory() as folder:
        await _first_page(["main.py"], "/login", Path(folder))  # makes the key and the database
        bare_program = Path(folder) / "bare.py"
        bare_program.write_text(BARE)
        for _ in range(ROUNDS):
            ours.append(await _first_page(["main.py"], "/login", Path(folder)))
            bare.append(await _first_page([str(bare_program)], "/", Path(folder)))
    median, yardstick = statistics.median(ours), statistics.median(bare)
    report.detail(f"a bare NiceGUI page takes {yardstick:.2f} s; ratio {median / yardstick:.2f}")
    report.at_most("From the program's start to its first page", median, 3, " s")


async def _first_page(arguments: list[str], path: str, folder: Path) -> float:
    port = free_port()
    env = {**os.environ, "DATA_DIR": str(folder), "PORT": str(port)}
    began = perf_counter()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        cwd=ROOT,
        env=env,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    while not await asyncio.to_thread(_answers, f"http://127.0.0.1:{port}{path}"):
        assert process.returncode is None, "the program ended"
        await asyncio.sleep(0.01)
    took = perf_counter() - began
    process.terminate()
    await process.wait()
    return took


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError):
        return False
