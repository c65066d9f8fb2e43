"""The vectors of phone.md, by a second writing of its forms: texts are put together by hand, line by line."""

from base64 import b64encode, urlsafe_b64encode
from hashlib import sha256

from formats import Cases
from texts import BUREAU, LOG, SUPERVISOR, signer, vkey

TRUST = sha256(b"a trust file").hexdigest()
URL = "https://yb.example.cn/supervise"


def code(letter: str, data: bytes) -> str:
    """Return a code."""
    return f"{letter}={urlsafe_b64encode(data).decode().rstrip('=')}"


def digits(text: str) -> str:
    """Return the 20 digits of a text, as they are read aloud."""
    told = str(int(sha256(text.encode()).hexdigest(), 16)).zfill(78)[:20]
    return " ".join(told[at : at + 4] for at in range(0, 20, 4))


def invitation(*urls: str, log: str = vkey(LOG), bureau: str = vkey(BUREAU), trust: str = TRUST) -> str:
    """Return the text of an invitation."""
    lines = ["fairdraw/invitation v1", f"log {log}", f"bureau {bureau}", f"trust {trust}"]
    return "".join(f"{line}\n" for line in [*lines, *(f"url {url}" for url in urls)])


def enrolment(
    log: str = LOG,
    role: str = "discipline",
    supervisor: str = vkey(SUPERVISOR),
    witness: str | None = vkey(SUPERVISOR, " as witness", 4),
    by: str = SUPERVISOR,
) -> str:
    """Return a signed enrolment."""
    lines = ["fairdraw/enrolment v1", f"log {log}", f"role {role}", f"supervisor {supervisor}"]
    return signed("".join(f"{line}\n" for line in [*lines, *([f"witness {witness}"] if witness else [])]), by)


def signed(text: str, by: str = SUPERVISOR, over: str | None = None) -> str:
    """Return a text with a signature line, over this text or another one."""
    key = signer(by)
    line = b64encode(key.verifier.key_id + key.sign_bytes((over or text).encode())).decode()
    return f"{text}\n— {by} {line}\n"


def phone() -> tuple[Cases, Cases]:
    """Return the cases: `code`, with the `text` that it holds, its kind and the digits that are read aloud."""
    told = {
        "an invitation": ("i", invitation(URL)),
        "an invitation without an address": ("i", invitation()),
        "an invitation with four addresses": (
            "i",
            invitation(URL, "http://10.1.2.3:8000", "http://desk.example.cn:8000/a.b/~c", "https://yb.example.cn"),
        ),
        "an invitation of a rehearsal": (
            "i",
            invitation(log=vkey(f"{LOG}/rehearsal"), bureau=vkey(f"{BUREAU}/rehearsal")),
        ),
        "an invitation with names in Chinese": ("i", invitation(bureau=vkey("济南市医保局"))),
        "an enrolment": ("e", enrolment()),
        "an enrolment that does not cosign": ("e", enrolment(witness=None)),
        "an enrolment for a rehearsal": (
            "e",
            enrolment(
                log=f"{LOG}/rehearsal",
                supervisor=vkey(f"{SUPERVISOR}/rehearsal"),
                witness=vkey(f"{SUPERVISOR}/rehearsal", " as witness", 4),
                by=f"{SUPERVISOR}/rehearsal",
            ),
        ),
    }
    accept: Cases = [
        {"name": name, "code": code(letter, text.encode()), "kind": letter, "text": text,
         "digits": digits(text if letter == "i" else text[: text.index("\n\n") + 1])}
        for name, (letter, text) in told.items()
    ]  # fmt: skip
    accept.append({"name": "behind an address", "code": f"https://yb.example.cn/supervise.html#{accept[0]['code']}",
                   "kind": "i", "text": accept[0]["text"], "digits": accept[0]["digits"]})  # fmt: skip
    accept.append({"name": "from a scanner that ends its lines", "code": f"fairdraw:#{accept[5]['code']}\r\n",
                   "kind": "e", "text": accept[5]["text"], "digits": accept[5]["digits"]})  # fmt: skip
    return accept, _codes(accept[0]["code"]) + _invitations() + _enrolments()


def _codes(good: str) -> Cases:
    bad = {
        "no code": "https://yb.example.cn/supervise.html",
        "a letter that is none": f"x{good[1:]}",
        "a letter in capitals": f"I{good[1:]}",
        "two codes": f"{good}#{good} and more",
        "standard base64": "i=ab+/",
        "padded": code("i", b"ab") + "=",
        "a stray bit": "i=YWK",
        "a digit that stands alone": "i=YWJjZ",
        "too large": code("i", b"a" * 2049),
    }
    return [{"name": name, "code": text, "expect": "bad-code"} for name, text in bad.items()]


def _invitations() -> Cases:
    good = invitation(URL)
    lines = good.splitlines(keepends=True)
    weak = b64encode(b"\1" + b"\1" + bytes(31)).decode()
    key_id = sha256(f"{LOG}\n".encode() + b"\1" + b"\1" + bytes(31)).hexdigest()[:8]
    bad = {
        "of another version": good.replace("v1", "v2", 1),
        "an enrolment in its place": enrolment(),
        "without its last line feed": good[:-1],
        "with carriage returns": good.replace("\n", "\r\n"),
        "with an empty line": good + "\n",
        "lines in another order": "".join([lines[0], lines[2], lines[1], *lines[3:]]),
        "without a digest": "".join(lines[:3] + lines[4:]),
        "with a line of another kind": good + "beacon quicknet\n",
        "with two spaces": good.replace("log ", "log  ", 1),
        "with something behind a key": good.replace("\nbureau", " x\nbureau"),
        "a digest in capitals": good.replace(TRUST, TRUST.upper()),
        "a digest cut short": good.replace(TRUST, TRUST[:-1]),
        "a key with another key ID": good.replace("log.example.cn/jinan+", "log.example.cn/jinam+"),
        "a log's key of a witness": invitation(URL, log=vkey(LOG, "", 4)),
        "a bureau's key of a witness": invitation(URL, bureau=vkey(BUREAU, "", 4)),
        "a key of small order": invitation(URL, log=f"{LOG}+{key_id}+{weak}"),
        "one key twice": invitation(URL, bureau=_renamed()),
        "a rehearsal's log under a real bureau": invitation(URL, log=vkey(f"{LOG}/rehearsal")),
        "five addresses": invitation(*(f"https://{at}.example.cn" for at in range(5))),
        "an address twice": invitation(URL, URL),
        "an address with a slash at its end": invitation(f"{URL}/"),
        "an address with a query": invitation(f"{URL}?to=https://stranger.example"),
        "an address with a fragment": invitation(f"{URL}#i"),
        "an address with a user": invitation("https://yb.example.cn@stranger.example/supervise"),
        "an address of a script": invitation("javascript:alert(1)"),
        "an address of a file": invitation("file:///etc/passwd"),
        "an address that goes up": invitation("https://yb.example.cn/../supervise"),
        "an address that goes up, escaped": invitation("https://yb.example.cn/%2e%2e/supervise"),
        "an address with too large a port": invitation("http://yb.example.cn:70000"),
        "an address that is too long": invitation("https://yb.example.cn/" + "a" * 99),
        "an address in characters that only look like ASCII": invitation("https://yb.exаmple.cn"),
    }
    bad_bytes = [{"name": "an invitation that is not UTF-8", "code": code("i", b"fairdraw/invitation v1\n\xff\n"),
                  "expect": "bad-invitation"}]  # fmt: skip
    return bad_bytes + [
        {"name": f"an invitation {name}", "code": code("i", text.encode()), "expect": "bad-invitation"}
        for name, text in bad.items()
    ]


def _renamed() -> str:
    """Return the log's public key under the bureau's name."""
    key = signer(LOG).verifier.public_key
    key_id = sha256(f"{BUREAU}\n".encode() + b"\1" + key).hexdigest()[:8]
    return f"{BUREAU}+{key_id}+{b64encode(chr(1).encode() + key).decode()}"


def _enrolments() -> Cases:
    good = enrolment()
    text, line = good.split("\n\n")
    text += "\n"
    head, *rest = text.splitlines(keepends=True)
    own = signer(SUPERVISOR).verifier.public_key
    key_id = sha256(f"{SUPERVISOR}\n".encode() + b"\4" + own).hexdigest()[:8]
    same = f"{SUPERVISOR}+{key_id}+{b64encode(chr(4).encode() + own).decode()}"
    bad = {
        "of another version": signed(text.replace("v1", "v2")),
        "an invitation in its place": invitation(URL),
        "that is not signed": text,
        "signed by somebody else": signed(text, "s2.example.cn"),
        "signed over another role": signed(text.replace("discipline", "approver"), over=text),
        "signed twice": f"{good}{line}",
        "with a line of somebody else": good + signed(text, "s2.example.cn").split("\n\n")[1],
        "in a role that is no word": enrolment(role="Discipline"),
        "in a role with a space": enrolment(role="people congress"),
        "for no log": enrolment(log=""),
        "for a log whose name is none": enrolment(log="log.example.cn+jinan"),
        "with a key of a witness as the supervisor's": enrolment(supervisor=vkey(SUPERVISOR, "", 4)),
        "with a supervisor's key as the witness's": enrolment(witness=vkey(SUPERVISOR, " as witness")),
        "with a witness of another name": enrolment(witness=vkey("s2.example.cn", "", 4)),
        "with one key twice": enrolment(witness=same),
        "of a rehearsal's name for a real log": enrolment(
            supervisor=vkey(f"{SUPERVISOR}/rehearsal"), witness=None, by=f"{SUPERVISOR}/rehearsal"
        ),
        "with a line behind the witness": signed(text + "until 2027\n"),
        "with lines in another order": signed("".join([head, *reversed(rest)])),
        "without a role": signed(text.replace("role discipline\n", "")),
    }
    return [
        {"name": f"an enrolment {name}", "code": code("e", one.encode()), "expect": "bad-enrolment"}
        for name, one in bad.items()
    ]
