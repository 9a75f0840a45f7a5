"""What is uploaded as a picture comes from anybody: only what was drawn anew here is ever served."""

import io
import struct
import zlib
from typing import Any

import pytest
from PIL import Image

from core.content import picture


def drawn(kind: str = "JPEG", size: tuple[int, int] = (2400, 1000), mode: str = "RGB", **how: Any) -> bytes:
    out = io.BytesIO()
    Image.linear_gradient("L").resize(size).convert(mode).save(out, kind, **how)
    return out.getvalue()


def opened(made: picture.Picture) -> Image.Image:
    return Image.open(io.BytesIO(made.data))


def test_a_photo_is_turned_upright_narrowed_and_loses_where_it_was_taken() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # lies on its side
    exif[0x010F] = "A phone of Anna"
    raw = drawn(size=(3000, 2400), exif=exif, comment=b"a secret")
    made = picture.read(raw)
    assert (made.kind, made.width, made.height) == ("jpg", 1200, 1500)
    assert opened(made).size == (1200, 1500) and opened(made).format == "JPEG"
    assert b"Anna" not in made.data and b"secret" not in made.data and not opened(made).getexif()


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (drawn("PNG", (300, 100)), "png"),
        (drawn("PNG", (300, 100), "RGBA"), "png"),
        (drawn("PNG", (300, 100), "P"), "png"),
        (drawn("PNG", (300, 100), "I;16"), "png"),
        (drawn("GIF", (300, 100), "P"), "png"),
        (drawn("WEBP", (300, 100)), "jpg"),
        (drawn("JPEG", (300, 100), "CMYK"), "jpg"),
        (drawn("JPEG", (300, 100), "L"), "jpg"),
    ],
)
def test_every_picture_becomes_one_that_all_mail_programs_show(raw: bytes, kind: str) -> None:
    made = picture.read(raw)
    assert (made.kind, made.width, made.height) == (kind, 300, 100)
    assert opened(made).mode in ("RGB", "RGBA")


def test_a_photo_saved_as_png_becomes_a_light_jpeg_and_a_clear_one_stays_clear() -> None:
    noise = Image.effect_noise((900, 600), 90).convert("RGB")
    out = io.BytesIO()
    noise.save(out, "PNG")
    assert picture.read(out.getvalue()).kind == "jpg"
    clear = noise.convert("RGBA")
    clear.putalpha(100)
    out = io.BytesIO()
    clear.save(out, "PNG")
    made = picture.read(out.getvalue())
    assert made.kind == "png" and opened(made).getpixel((5, 5))[3] == 100  # type: ignore[index]


def test_an_animation_goes_on_moving_and_is_narrowed_too() -> None:
    frames = [Image.new("RGB", (1500, 30), colour) for colour in ("red", "green", "blue")]
    out = io.BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:], duration=120, loop=0)
    made = picture.read(out.getvalue())
    moving = opened(made)
    assert (made.kind, made.width, moving.n_frames, moving.info["duration"]) == ("gif", 1200, 3, 120)  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP"])
def test_what_hides_behind_or_in_a_picture_does_not_come_along(kind: str) -> None:
    hidden = b"<script>alert(1)</script><?php system($_GET[0]); ?>PK\x03\x04"
    made = picture.read(drawn(kind, (60, 60)) + hidden)
    assert b"script" not in made.data and b"php" not in made.data and b"PK\x03\x04" not in made.data
    if kind == "PNG":
        raw = drawn(kind, (60, 60))
        chunk = b"tEXtComment\0" + hidden
        part = struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
        assert b"script" not in picture.read(raw[:33] + part + raw[33:]).data


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"GIF89a",
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"<html><script>alert(1)</script>",
        b"%PDF-1.7\n",
        b"\x89PNG\r\n\x1a\n" + b"\0" * 200,
        drawn("JPEG")[:400],
        drawn("BMP", (9, 9)),
        drawn("TIFF", (9, 9)),
        drawn("PNG", (9, 9)).replace(b"IDAT", b"IDAX"),
        drawn("PNG", (90, 90))[:-40],
    ],
)
def test_what_is_no_picture_is_refused_with_a_sentence(raw: bytes) -> None:
    with pytest.raises(picture.NotAPicture, match="JPEG, PNG, GIF or WebP"):
        picture.read(raw)


def _bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says how large it is."""
    head = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    raw = drawn("PNG", (1, 1))
    return raw[:8] + struct.pack(">I", 13) + head + struct.pack(">I", zlib.crc32(head)) + raw[33:]


@pytest.mark.parametrize("size", [(30_000, 30_000), (60_000, 1), (1, 60_000), (8_000, 8_000), (2**31 - 1, 2**31 - 1)])
def test_a_small_file_that_would_unpack_to_gigabytes_is_refused_unread(size: tuple[int, int]) -> None:
    with pytest.raises(picture.NotAPicture, match="too large"):
        picture.read(_bomb(*size))


def test_too_many_bytes_or_frames_are_refused() -> None:
    with pytest.raises(picture.NotAPicture, match="10 MB"):
        picture.read(drawn("JPEG") + b"\0" * picture.MOST_BYTES)
    frames = [Image.new("RGB", (8, 8), (number % 250, number // 250, 7)) for number in range(320)]
    out = io.BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:])
    with pytest.raises(picture.NotAPicture, match="too long"):
        picture.read(out.getvalue())
