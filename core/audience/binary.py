"""Files that are no list of people, by their first bytes."""

from pathlib import Path

from core.errors import RuleError


def refuse(path: Path, head: bytes) -> None:
    """Raises RuleError where ``head``, the beginning of the file at ``path``, is that of a known kind."""
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        with path.open("rb") as file:
            protected = "EncryptedPackage".encode("utf-16-le") in file.read(1 << 20)
        if protected:
            raise RuleError("This Excel file is protected by a password. Remove the password and upload it again.")
        raise RuleError("This is an old Excel file (.xls). Save it as .xlsx or CSV and upload that.")
    for magic, kind in _BINARY.items():
        if head.startswith(magic):
            raise RuleError(f"This is {kind}, not a list of people. Upload a CSV, TSV, TXT or XLSX file.")


_BINARY = {
    b"%PDF": "a PDF file",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
    b"\x1f\x8b": "a compressed file",
    b"7z\xbc\xaf": "a compressed file",
    b"Rar!": "a compressed file",
    b"{\\rtf": "a word processor file",
    b"BEGIN:VC": "a vCard file",
}
