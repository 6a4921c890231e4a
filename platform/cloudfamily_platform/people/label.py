"""Labels for devices: a QR code that opens the console where the device is given its home, and the code to read. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import segno

#: Millimetres: a label, and how many stand beside each other on A4.
WIDE, HIGH, COLUMNS = 62, 30, 3
CODE_SIZE, MARGIN = 24, 3
#: A device code has up to 64 characters, of which so many stand in a line.
LINE = 14


def address(device: str, console: str) -> str:
    """Where the QR code leads: the console's bind form, open for this device."""
    return f"{console.rstrip('/')}/#/bind/{device}"


def sheet(devices: Sequence[str], console: str) -> str:
    """An SVG of labels, three in a row. `devices`: device codes. Without scripts and styles, so that any page may show it."""
    columns = min(COLUMNS, len(devices))
    wide, high = columns * WIDE, -(-len(devices) // COLUMNS) * HIGH
    labels = "".join(label(device, console, WIDE * (i % COLUMNS), HIGH * (i // COLUMNS)) for i, device in enumerate(devices))
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide}mm" height="{high}mm" viewBox="0 0 {wide} {high}">'
    return f'{head}<rect width="100%" height="100%" fill="#fff"/>{labels}</svg>\n'


def label(device: str, console: str, x: int, y: int) -> str:
    code = segno.make(address(device, console), error="m", micro=False)
    side = code.symbol_size(border=0)[0]
    squares = "".join(f"M{i} {j}h1v1h-1z" for j, row in enumerate(code.matrix) for i, dark in enumerate(row) if dark)
    lines = [device[i : i + LINE] for i in range(0, len(device), LINE)]
    top = HIGH / 2 - (len(lines) - 1) * 2
    text = "".join(
        f'<text x="{MARGIN + CODE_SIZE + 3}" y="{top + 4 * i:g}" font-family="monospace" font-size="3.4" dominant-baseline="middle">{line}</text>'
        for i, line in enumerate(lines)
    )
    scale = CODE_SIZE / side
    return f'<g transform="translate({x} {y})"><path transform="translate({MARGIN} {MARGIN}) scale({scale:.5f})" d="{squares}"/>{text}</g>'
