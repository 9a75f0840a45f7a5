"""What a browser has to fetch for each page, and how soon a person can act on it."""

from dataclasses import dataclass, field

from playwright.async_api import Browser, BrowserContext

from bench import sample
from bench.ui_stand import Site

# NiceGUI's script says so when the socket is connected: from then on a click is heard.
_NOTE = """
let at = null, shaken = false;
Object.defineProperty(window, "did_handshake", {
    get: () => shaken,
    set: value => { shaken = value; if (value) at ??= performance.now(); },
});
Object.defineProperty(window, "interactive_at", {get: () => at});
"""


@dataclass
class Loads:
    """Of one page, cold (nothing cached) and warm: kB over the wire, requests, ms until it can be used."""

    cold_kb: list[float] = field(default_factory=list)
    warm_kb: list[float] = field(default_factory=list)
    cold_ms: list[float] = field(default_factory=list)
    warm_ms: list[float] = field(default_factory=list)
    requests: int = 0


async def load(site: Site, browser: Browser, path: str, loads: Loads) -> None:
    """Load the page in a browser that has never seen the site, and then once more."""
    context = await browser.new_context()
    if not site.is_bare:
        form: dict[str, str | float | bool] = {"email": sample.EMAIL, "password": sample.PASSWORD}
        await context.request.post(f"{site.url}/login", form=form)
    kb, ms, loads.requests = await _once(context, site.url + path)
    loads.cold_kb.append(kb)
    loads.cold_ms.append(ms)
    kb, ms, _ = await _once(context, site.url + path)
    loads.warm_kb.append(kb)
    loads.warm_ms.append(ms)
    await context.close()


async def _once(context: BrowserContext, url: str) -> tuple[float, float, int]:
    page = await context.new_page()
    await page.add_init_script(_NOTE)
    wire = await context.new_cdp_session(page)
    sizes: list[float] = []
    wire.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    await wire.send("Network.enable")
    await page.goto(url)
    await page.wait_for_function("window.interactive_at")
    await page.wait_for_load_state("networkidle")
    at = await page.evaluate("window.interactive_at")
    await page.close()
    return sum(sizes) / 1000, at, len(sizes)
