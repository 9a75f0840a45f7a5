"""A picture as a mail can carry it: checked, turned upright, made smaller, written anew without its metadata."""

import io
import threading
from dataclasses import dataclass

from PIL import Image, ImageCms, ImageOps, ImageSequence

from core.errors import RuleError

MOST_BYTES = 10_000_000
_WIDEST = 1_200  # pixels: twice the width of a mail's words, for sharp screens
_FORMATS = ("PNG", "JPEG", "GIF", "WEBP")
_LONGEST_SIDE = 20_000
_MOST_PIXELS = 50_000_000  # what phones take; 200 MB while it is read
_MOST_FRAMES, _MOST_FRAME_PIXELS = 300, 60_000_000
_LARGE_PNG = 150_000  # bytes; above, a photo that was saved as PNG is tried as JPEG
_NOT_ONE = "This file is no picture that mails can show. Save it as JPEG, PNG, GIF or WebP."
TOO_LARGE = (
    f"This picture is too large: at most {MOST_BYTES // 1_000_000} MB and {_MOST_PIXELS // 1_000_000} megapixels."
)
_one_at_a_time = threading.Lock()  # reading one can take 200 MB


class NotAPicture(RuleError):
    """It cannot be shown in a mail."""


@dataclass(frozen=True)
class Picture:
    """``kind``: jpg, png or gif; ``width`` and ``height`` in pixels."""

    data: bytes
    kind: str
    width: int
    height: int


def read(raw: bytes) -> Picture:
    """``raw`` (JPEG, PNG, GIF or WebP by its own bytes, whatever its name says) as what is kept and mailed.

    At most 1,200 px wide; nothing of the file's other content (EXIF, comments, what follows the picture) is in it.
    Blocks for up to a second or two. Raises NotAPicture, with what to do.
    """
    if len(raw) > MOST_BYTES:
        raise NotAPicture(TOO_LARGE)
    try:
        with _one_at_a_time, Image.open(io.BytesIO(raw), formats=_FORMATS) as opened:
            if max(opened.size) > _LONGEST_SIDE or opened.width * opened.height > _MOST_PIXELS:
                raise NotAPicture(TOO_LARGE)
            if opened.format in ("GIF", "WEBP") and getattr(opened, "is_animated", False):
                return _animation(opened)
            return _still(opened)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning, MemoryError):
        raise NotAPicture(TOO_LARGE) from None
    except (OSError, ValueError, SyntaxError, EOFError, IndexError, KeyError, TypeError, OverflowError):
        raise NotAPicture(_NOT_ONE) from None  # what Pillow raises for files that were made to break it


def _still(opened: Image.Image) -> Picture:
    is_photo = opened.format in ("JPEG", "WEBP")
    opened.draft("RGB", (_WIDEST, _WIDEST))  # a JPEG is read at a fraction of its size
    upright = ImageOps.exif_transpose(opened)
    is_clear = upright.has_transparency_data
    shown = _narrowed(_in_srgb(upright).convert("RGBA" if is_clear else "RGB"))
    if is_photo and not is_clear:
        return _picture(_jpeg(shown), "jpg", shown)
    png = _written(shown, "PNG", optimize=True)
    if not is_clear and len(png) > _LARGE_PNG and len(jpeg := _jpeg(shown)) < len(png) // 2:
        return _picture(jpeg, "jpg", shown)
    return _picture(png, "png", shown)


def _animation(opened: Image.Image) -> Picture:
    frames: list[Image.Image] = []
    times: list[int] = []
    for number, frame in enumerate(ImageSequence.Iterator(opened)):
        if number >= _MOST_FRAMES or (number + 1) * opened.width * opened.height > _MOST_FRAME_PIXELS:
            raise NotAPicture(
                "This animation is too long. Make it smaller or shorter, or use a picture that stays still."
            )
        frames.append(_narrowed(frame.convert("RGBA")))
        times.append(max(20, int(frame.info.get("duration") or 100)))
    moving = {"save_all": True, "append_images": frames[1:], "duration": times, "loop": 0, "disposal": 2}
    return _picture(_written(frames[0], "GIF", **moving), "gif", frames[0])


def _in_srgb(image: Image.Image) -> Image.Image:
    """Without a colour profile colours are sRGB: those of phones with wider ones would look dull."""
    profile = image.info.get("icc_profile")
    if not profile or image.mode not in ("RGB", "CMYK"):
        return image
    try:
        own, wanted = ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB")
        return ImageCms.profileToProfile(image, own, wanted, outputMode="RGB") or image
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image


def _narrowed(image: Image.Image) -> Image.Image:
    if image.width <= _WIDEST:
        return image
    return image.resize((_WIDEST, max(1, round(image.height * _WIDEST / image.width))), Image.Resampling.LANCZOS)


def _jpeg(image: Image.Image) -> bytes:
    return _written(image, "JPEG", quality=85, optimize=True, progressive=True)


def _written(image: Image.Image, kind: str, **how: object) -> bytes:
    image.info = {}  # nothing of the file it came from
    out = io.BytesIO()
    image.save(out, kind, **how)
    return out.getvalue()


def _picture(data: bytes, kind: str, shown: Image.Image) -> Picture:
    return Picture(data, kind, shown.width, shown.height)
