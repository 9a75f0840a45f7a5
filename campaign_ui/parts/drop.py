"""Where a file of addresses is dropped or chosen."""

from collections.abc import Callable
from typing import Any

from nicegui import ui

from core.audience import parse

ACCEPT = ".csv,.tsv,.txt,.xlsx"
TOO_LARGE = f"This file is larger than {parse.MAX_FILE_BYTES >> 20} MB. Split it and upload the parts."
_DROP = (
    "relative flex flex-col items-center justify-center text-center gap-1 min-h-[180px] p-6 rounded-[14px] "
    "border-2 border-dashed hover:bg-[var(--cm-sunken)] focus-within:bg-[var(--cm-sunken)]"
)
# Constant code: the file the person chose or dropped goes to the uploader that stands hidden beside the field.
_SEND = """(event) => {
  const field = event.target, uploader = getElement(Number(field.dataset.target)).$refs.qRef;
  uploader.reset();
  uploader.addFiles(field.files);
  field.value = "";
}"""


def drop_zone(
    on_begin: Callable[[], Any], on_upload: Callable[[Any], Any], on_rejected: Callable[[], Any], label: str = "Upload"
) -> None:
    """A field for one file; ``label`` is its accessible name. What is larger than allowed is rejected."""
    uploader = ui.upload(
        auto_upload=True,
        max_file_size=parse.MAX_FILE_BYTES,
        on_begin_upload=on_begin,
        on_upload=on_upload,
        on_rejected=on_rejected,
    ).classes("hidden")
    with ui.element("div").classes(_DROP).style("border-color:var(--cm-line-strong)"):
        ui.icon("upload_file").classes("text-[28px]").style("color:var(--cm-brand-text)")
        ui.label("Drop a file here, or choose one").classes("font-semibold text-sm")
        ui.label(f"CSV, TSV, TXT or Excel (.xlsx), up to {parse.MAX_FILE_BYTES >> 20} MB").classes("text-xs cm-mute")
        field = ui.element("input").props(f'type=file accept="{ACCEPT}"')
        field.classes("absolute inset-0 w-full h-full opacity-0 cursor-pointer")
        field.props["aria-label"] = label
        field.props["data-target"] = str(uploader.id)
        field.on("change", js_handler=_SEND)
