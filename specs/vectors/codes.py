"""The vectors of slip.md §6, by a second writing of its rules: deflate streams are written bit by bit.

One slip is recorded as a printer had it, for what real streams hold; the others are as small as the rule they show.
"""

from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from zlib import decompress

from formats import Cases

PRINTED = Path(__file__).with_name("recorded") / "slip.parts"
WIDTHS = {1: 3, 2: 5, 3: 8, 4: 10, 5: 13, 6: 15, 7: 17}


def digits(data: bytes) -> str:
    """Return bytes as digits, in groups of seven."""
    groups = [data[at : at + 7] for at in range(0, len(data), 7)]
    return "".join(str(int.from_bytes(group, "big")).zfill(WIDTHS[len(group)]) for group in groups)


def parts(data: bytes, *cuts: int) -> list[str]:
    """Return the parts that hold a deflate stream, cut at some digits."""
    told = digits(data)
    ends = [0, *cuts, len(told)]
    tag = digits(sha256(data).digest()[:2])
    return [f"z={at}{len(ends) - 1}{tag}{told[ends[at - 1] : ends[at]]}" for at in range(1, len(ends))]


def stored(text: bytes) -> bytes:
    """Return a deflate stream of one stored block (RFC 1951 §3.2.4)."""
    length = len(text).to_bytes(2, "little")
    return b"\1" + length + bytes(0xFF ^ byte for byte in length) + text


class Fixed:
    """A deflate stream of one block with the fixed codes (RFC 1951 §3.2.6)."""

    def __init__(self) -> None:
        self.bits = [1, 1, 0]

    def _code(self, value: int, length: int) -> None:
        self.bits += [value >> at & 1 for at in reversed(range(length))]

    def literals(self, text: bytes) -> "Fixed":
        """Append bytes."""
        for byte in text:
            self._code(*((0x30 + byte, 8) if byte < 144 else (0x190 + byte - 144, 9)))
        return self

    def copies(self, distance: int, count: int) -> "Fixed":
        """Append copies of 258 bytes from so far back: 1, or 257."""
        for _ in range(count):
            self._code(0b11000101, 8)
            self._code({1: 0, 257: 16}[distance], 5)
            self.bits += [0] * (7 if distance == 257 else 0)
        return self

    def end(self) -> bytes:
        """Return the finished stream."""
        self._code(0, 7)
        bits = self.bits + [0] * (-len(self.bits) % 8)
        octets = (bits[at : at + 8] for at in range(0, len(bits), 8))
        return bytes(sum(bit << place for place, bit in enumerate(octet)) for octet in octets)


def _nested(depth: int) -> bytes:
    return b"\3" * depth + b"x" + b"\4" * depth


def _inside(depth: int) -> str:
    told = b"x"
    for _ in range(depth):
        told = b64encode(told)
    return told.decode()


def slipcode() -> tuple[Cases, Cases]:
    """slip.md §6: what a printed slip holds, and what no writer would print."""
    run, all_bytes = b"\xab" * 16, bytes(range(255))
    accept: Cases = [
        {"name": "a text", "parts": parts(stored(b"{}\n")), "file": "{}\n"},
        {"name": "hex", "parts": parts(stored(b"\1\x10" + run)), "file": run.hex()},
        {"name": "base64, with bytes that are marks elsewhere", "parts": parts(stored(b"\2\xff" + all_bytes)),
         "file": b64encode(all_bytes).decode()},
        {"name": "hex within base64, and text around it", "parts": parts(stored(b"a\3b\1\2\0\4c\4d")),
         "file": f"a{b64encode(b'b0004c').decode()}d"},
        {"name": "nothing within base64", "parts": parts(stored(b"a\3\4b")), "file": "ab"},
        {"name": "four within each other", "parts": parts(stored(_nested(4))), "file": _inside(4)},
        {"name": "three parts", "parts": parts(stored(b"0123456789" * 3), 7, 40), "file": "0123456789" * 3},
        {"name": "three parts in another order", "parts": parts(stored(b"0123456789" * 3), 7, 40)[::-1],
         "file": "0123456789" * 3},
        {"name": "the fixed codes", "parts": parts(Fixed().literals("x\u00e9".encode()).end()), "file": "x\u00e9"},
        {"name": "copies", "parts": parts(Fixed().literals(b"y").copies(1, 2).end()), "file": "y" * 517},
        {"name": "as large as it may be", "parts": parts(Fixed().literals(b"zzzz").copies(1, 254).end()),
         "file": "z" * 65536},
        {"name": "nothing", "parts": parts(stored(b"")), "file": ""},
    ]  # fmt: skip
    accept += [
        {"name": f"a last group of {length} bytes", "parts": parts(stored(b"v" * (length + 2))),
         "file": "v" * (length + 2)}
        for length in range(1, 8)
    ]  # fmt: skip
    printed = PRINTED.read_text("ascii").split()
    accept.append({"name": "a slip as it was printed", "parts": printed, "file": _unprinted(printed)})
    return accept, _refused(printed)


def _unprinted(printed: list[str]) -> str:
    """Return the slip that was recorded, by the rules again; its packed text has neither zero nor nested runs."""
    told = "".join(part[9:] for part in printed)
    groups = [told[at : at + 17] for at in range(0, len(told), 17)]
    sizes = {width: size for size, width in WIDTHS.items()}
    text = decompress(b"".join(int(g).to_bytes(sizes[len(g)], "big") for g in groups), wbits=-15)

    def unpacked(at: int) -> tuple[bytes, int]:
        out = b""
        while at < len(text) and text[at] != 4:
            mark, size = text[at], text[at + 1] if at + 1 < len(text) else 0
            if mark == 3:
                inside, at = unpacked(at + 1)
                out += b64encode(inside)
            elif mark in {1, 2}:
                raw = text[at + 2 : at + 2 + size]
                out += raw.hex().encode() if mark == 1 else b64encode(raw)
                at += 1 + size
            else:
                out += text[at : at + 1]
            at += 1
        return out, at

    return unpacked(0)[0].decode()


def _refused(printed: list[str]) -> Cases:
    three = parts(stored(b"0123456789" * 3), 7, 40)
    good = stored(b"{}\n")
    [one] = parts(good)
    tag = one[4:9]
    zeros = Fixed().literals(b"\3\3\3\3\1\xff" + b"\xaa" * 255).copies(257, 252).literals(b"\xaa" * 5 + b"\4\4\4\4")
    told: dict[str, list[tuple[str, list[str]]]] = {
        "part": [
            ("no part", []),
            ("a part missing", three[:2]),
            ("a part twice", [*three, three[0]]),
            ("a part twice and another missing", [three[0], three[0], three[2]]),
            ("parts of two slips", [*three[:2], f"z=33{tag}{three[2][9:]}"]),
            ("another count", [three[0], three[1], "z=34" + three[2][4:]]),
            ("a fourth of three", [*three[:2], "z=43" + three[2][4:]]),
            ("part zero", ["z=01" + one[4:]]),
            ("a count of zero", ["z=10" + one[4:]]),
            ("without z=", [one[2:]]),
            ("with #", [f"#{one}"]),
            ("a space after it", [f"{one} "]),
            ("a letter", [f"{one[:-1]}a"]),
            ("digits of another script", [one[:-1] + "\u0663"]),
            ("no digits", [one[:9]]),
            ("a tag of four digits", ["z=110000"]),
        ],
        "digits": [
            ("a last group of four digits", [f"{one[:9]}{digits(good)[:17]}0000"]),
            ("a last group of one digit", [f"{one[:9]}0"]),
            ("a group of seven bytes that is too large", [f"{one[:9]}{'9' * 17}"]),
            ("the smallest that is too large", [f"{one[:9]}{2**56:017d}"]),
            ("a last byte that is too large", [f"{one[:9]}256"]),
        ],
        "tag": [
            ("another tag", [f"z=1100000{digits(good)}"]),
            ("a digit misread", [three[0], f"{three[1][:-1]}{9 - int(three[1][-1])}", three[2]]),
            ("a printed slip with a digit misread", [*printed[:-1], _misread(printed[-1])]),
        ],
        "deflate": [
            ("cut short", parts(stored(b"{}\n" * 9)[:-1])),
            ("something after it", parts(good + b"\0")),
            ("a block of no type", parts(b"\7")),
            ("a length that contradicts itself", parts(b"\1\3\0\0\0{}\n")),
            ("a copy from before the beginning", parts(Fixed().literals(b"y").copies(257, 1).end())),
            ("no last block", parts(b"\0" + good[1:])),
            ("no end of block", parts(Fixed().literals(b"yyyyyyyy").end()[:-1])),
        ],
        "text": [
            ("a zero", parts(stored(b"{\0}"))),
            ("hex of nothing", parts(stored(b"\1\0x"))),
            ("base64 of nothing", parts(stored(b"\2\0x"))),
            ("hex that is not all there", parts(stored(b"\1\5abcd"))),
            ("base64 that is not all there", parts(stored(b"\2\5abcd"))),
            ("a mark without its length", parts(stored(b"x\1"))),
            ("closed and not opened", parts(stored(b"x\4y"))),
            ("opened and not closed", parts(stored(b"x\3y"))),
            ("five within each other", parts(stored(_nested(5)))),
        ],
        "too-large": [
            ("a packed text one byte too long", parts(Fixed().literals(b"zzzzz").copies(1, 254).end())),
            ("a bomb", parts(Fixed().literals(b"z").copies(1, 20_000).end())),
            ("a file that unfolds too far", parts(zeros.end())),
            ("too many digits", [f"{one[:9]}{'0' * 65_537}"]),
        ],
    }
    return [
        {"name": name, "parts": some, "expect": "bad-slip-code", "reason": reason}
        for reason, cases in told.items()
        for name, some in cases
    ]


def _misread(part: str) -> str:
    return f"{part[:-3]}{(int(part[-3]) + 1) % 10}{part[-2:]}"
