"""Printing a page as a browser does, and reading the codes on it back as a camera does.

Chromium makes a PDF of the page, poppler a picture of each sheet, and zxing-cpp reads that: of the project's own code
nothing takes part in what comes back.
"""

import io
import shutil
import subprocess
from pathlib import Path
from typing import Final

import zxingcpp
from PIL import Image

BROWSER: Final = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PICTURES: Final = shutil.which("pdftoppm")
MISSING: Final = (
    "chromium is not installed: no page is printed"
    if BROWSER is None
    else "poppler-utils are not installed: no sheet becomes a picture"
)
AVAILABLE: Final = BROWSER is not None and PICTURES is not None
QUIET: Final = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run", "--no-pdf-header-footer",
)  # fmt: skip
PATIENCE: Final = 180  # seconds, on a busy machine


def print_page(html: str, folder: Path) -> Path:
    """Return the PDF that a browser makes of a page."""
    page, pdf = folder / "page.html", folder / "page.pdf"
    page.write_text(html, "utf-8")
    arguments = [str(BROWSER), *QUIET, f"--user-data-dir={folder / 'browser'}", f"--print-to-pdf={pdf}", page.as_uri()]
    subprocess.run(arguments, capture_output=True, timeout=PATIENCE, check=True)
    return pdf


def sheets(pdf: Path, dpi: int) -> list[Image.Image]:
    """Return a picture of each sheet."""
    stem = pdf.with_name(f"sheet-{dpi}")
    subprocess.run([str(PICTURES), "-r", str(dpi), "-gray", "-png", str(pdf), str(stem)], timeout=PATIENCE, check=True)
    return [Image.open(io.BytesIO(path.read_bytes())) for path in sorted(pdf.parent.glob(f"{stem.name}-*.png"))]


def codes(picture: Image.Image) -> list[str]:
    """Return what the QR codes of a picture say, from left to right and from top to bottom."""
    found = zxingcpp.read_barcodes(picture, formats=zxingcpp.BarcodeFormat.QRCode)
    return [one.text for one in sorted(found, key=lambda one: (one.position.top_left.y // 50, one.position.top_left.x))]
