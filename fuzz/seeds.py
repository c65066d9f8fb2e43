"""Write fuzz/corpus: `python -m fuzz.seeds`. Every seed is made here or taken from specs/vectors, so it is ours.

The same bytes come out each time: a test compares them with what lies there.
"""

import io
import json
import shutil
import zipfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from fuzz import world
from transparency_log.checkpoint import Checkpoint, cosign, sign_checkpoint
from transparency_log.evidence import Fork
from transparency_log.followed import State
from transparency_log.frozen import sign_frozen
from transparency_log.merkle import Tree, leaf_hash, root
from transparency_log.note import Note, Signature
from transparency_log.proof import TlogProof
from transparency_log.witness import AddCheckpoint

HERE = Path(__file__).resolve().parent
VECTORS = HERE.parent / "specs" / "vectors"

Seeds = Iterator[tuple[str, bytes]]

LEAVES = [leaf_hash(entry) for entry in world.ENTRIES]
TREE = Tree(LEAVES)

POLICY = f"""# two witnesses, one with two keys
log {world.LOG.verifier.vkey} https://log.example
witness w {world.WITNESS.verifier.vkey}
witness v {world.signer("v.example", 4).verifier.vkey}\thttps://v.example/
witness pq {world.POST_QUANTUM.vkey}
group one any w pq
group all 2 one v
quorum all
"""

MAP = """encoding = "auto"
no = "编号"
identity = [["名称", "信用代码"]]
[attrs.region]
column = "区域"
map = { "历下区" = "370102" }
[attrs.beds]
column = "床位"
type = "integer"
default = 0
[private]
name = "名称"
uscc = { column = "信用代码", check = "uscc" }
[closed]
phone = { column = "电话", check = "phone" }
"""

PLAN = """id = "2026"
slots = ["2026/fund-use/1", "2026/fund-use/2"]
objects = "institutions"
inspectors = "staff"
strata = ["type"]
ratio = "1/10"
rounding = "ceil"
audit = 2
[team]
size = 2
department = "department"
quota = { ybj = 1, wjw = 1 }
[[team.eligible]]
rule = "differ"
object = "region"
inspector = "region"
"""

DRAW = """id = "2026-1"
slots = ["2026/fund-use/1"]
window = "2026-09-30"
disclosure = { until = "2026-10-31" }
[[beacon]]
chain = "quicknet"
at = 2026-09-07T10:00:00+08:00
[seed]
kind = "published"
digits = "42"
"""

SETTINGS = """bureau = "jinan-ybj.example.cn"
origin = "log.example.cn/jinan"
rehearsal = false
"""

CSV = "no,attr.region,private.name\nH-000001,370102,第一医院\nH-000002,370103,第二医院\n"
PAIRS = "object,inspector,declarer,reason,form\nH-000001,I-01,inspector,kinship,\n"


def _log() -> Seeds:
    signed = world.checkpoint()
    log_only = Note(signed.text, signed.signatures[:1])
    grease = Signature("grease.example/1", b"\1\2\3\4", b"\5" * 40)
    full = Note(signed.text, (*signed.signatures, grease, world.POST_QUANTUM_LINE))
    line = cosign(world.WITNESS, signed.text, world.TIME)
    proof = TREE.inclusion_proof(7)
    checkpoint = Checkpoint.parse(signed.text)
    frozen = sign_frozen(checkpoint, world.LOG)
    files = world.files()

    yield "base64", b"AAECAwQ="
    yield "decimal", b"9223372036854775807"
    for name in ("note", "open", "cosignatures"):
        yield name, signed.format()
        yield name, full.format()
        yield name, frozen.format()
    yield "signature", line.format().encode()
    for verifier in (world.LOG.verifier, world.WITNESS.verifier, world.POST_QUANTUM):
        yield "vkey", verifier.vkey.encode()
    yield "skey", world.LOG.format().encode() + b"\n"
    yield "checkpoint", signed.text.encode()
    yield "checkpoint", signed.text.encode() + b"an extension line\n"
    yield "policy", POLICY.encode()
    yield "policy", b"quorum none\n"
    yield "proof", TlogProof(7, tuple(proof), signed.format(), b"extra").format()
    for path in ("tile/0/000", "tile/entries/x001/x234/067", "tile/1/000.p/17"):
        yield "tile-path", path.encode()
    yield "bundle", files["tile/entries/001.p/44"]
    yield "hashes", files["tile/1/000.p/1"] * 3
    yield "index", b"1\n20\n300\n"
    yield "frozen", frozen.format()
    for name in ("request", "witness"):
        yield name, AddCheckpoint(0, (), log_only).format()
        yield name, AddCheckpoint(20, tuple(proof), full).format()
    earlier = sign_checkpoint(Checkpoint(world.ORIGIN, 20, root(LEAVES[:20])), world.LOG)
    yield "fork", Fork(earlier, log_only, root(LEAVES[:20]), tuple(TREE.consistency_proof(20))).format()
    yield "fork", Fork(log_only, log_only).format()
    yield "memory", State(log_only, 300, 1, world.TIME, world.TIME, (0,), ("a" * 64,), frozen).format()
    yield "answer", f"{line.format()}\n{grease.format()}\n".encode()
    for path in ("checkpoint", "cosigned/index", "cosigned/300", "tile/1/000.p/1", "tile/entries/001.p/44"):
        yield "files", path.encode() + b"\0" + files[path]
        yield "copy", path.encode() + b"\0" + files[path]


def _sites() -> Seeds:
    request = AddCheckpoint(0, (), Note(world.checkpoint().text, world.checkpoint().signatures[:1])).format()
    for path in ("checkpoint", "tile/1/000.p/1", "tile/entries/001.p/44", "cosigned/300", "artifact/" + "a" * 64):
        yield "log-site", f"GET /{path}\nAccept-Encoding: gzip\n\n".encode()
    yield "log-site", b"HEAD /tile/0/000\nIf-None-Match: *\nRange: bytes=0-31\n\n"
    yield "log-site", b"GET /../key?x=%2e%2e\nIf-Modified-Since: Sun, 01 Nov 2026 00:00:00 GMT\n\n"
    yield "witness-site", b"POST /add-checkpoint\nContent-Type: text/plain\n\n" + request
    yield "witness-site", b"POST /add-checkpoint\nContent-Length: 99\nContent-Encoding: gzip\n\n" + request[:99]
    yield "witness-site", f"GET /{sha256(world.ORIGIN.encode()).hexdigest()}/checkpoint\n\n".encode()


def _cases(name: str, kind: str = "accept") -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = json.loads((VECTORS / f"{name}.json").read_text("utf-8"))[kind]
    return told


def _draw() -> Seeds:
    for text in [case["json"] for case in _cases("encoding") if "json" in case]:
        yield "json", text.encode()
        yield "row", text.encode()
    yield "time", b"2026-09-07T10:00:00Z"
    yield "time", b"2026-02-28"
    for text in [case["text"] for case in _cases("statements") if "text" in case]:
        yield "statement", text.encode()
        yield "entry", Note(text, (Signature("nobody.example", b"\0\1\2\3", b"\4" * 64),)).format()
    for case in _cases("trust"):
        yield "trust", case["text"].encode()
    for case in _cases("bundle") + _cases("slip"):
        if "file" in case and case["name"] in {"plain", "committed", "sealed", "an inspector"}:
            data = json.dumps(case["file"], ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode() + b"\n"
            yield "file", data
            yield "verify", data


def _scanned() -> Seeds:
    for case in _cases("slipcode") + _cases("slipcode", "refuse"):
        text = "\n".join(f"https://draws.example.cn/verify.html#{part}" for part in case["parts"])
        if len(text) < 2000:
            yield "scanned", text.encode()


def _terms() -> Seeds:
    for case in _cases("filter") + _cases("filter", "refuse"):
        if len(case["filter"]) < 200:
            yield "filter", case["filter"].encode()
    for case in _cases("calendar"):
        if "table" in case:
            yield "calendar", case["table"].encode()


def _rules() -> Seeds:
    for case in _cases("regulation") + _cases("regulation", "refuse"):
        if "toml" in case and len(case["toml"]) < 1500:
            # The parents of the vectors are their own; these derive from one of the package.
            yield "regulation", case["toml"].replace('"province"\n[', '"laiyuan"\n[').encode()
        if "artifact" in case:
            yield "regulation-artifact", case["artifact"].encode()


def _acts() -> Seeds:
    for case in _cases("acts") + _cases("acts", "refuse"):
        for name in ("act", "sealed"):
            if name in case:
                yield "act", case[name].encode()
        if "outcomes" in case and len(case["outcomes"]) < 4000:
            yield "outcomes", case["outcomes"].encode()
    for case in _cases("compliance") + _cases("compliance", "refuse"):
        yield "items", case["items"].encode()


def _sources() -> Seeds:
    from fuzz.targets.sources import DEFINITION

    for case in _cases("sources") + _cases("sources", "refuse"):
        if "document" in case and len(case["document"]) < 4000:
            yield "nist", case["document"].encode()
        if "values" in case:
            yield "events", case["definition"].encode()
            yield "events", case["values"].encode()
    seen = {"fc3d": "6b" * 32}
    yield "events", DEFINITION.values({"fc3d": (0, 4, 4)}, seen).format()
    document = _cases("sources")[0]["document"]
    whole = json.loads(document)
    listed = [{"type": name, "value": whole[name]} for name in ("previous", "hour", "day", "month", "year")]
    answer = {"uri": whole["uri"], "version": whole["version"], "cipherSuite": 0, "period": 60000,
              "certificateId": whole["certificate_id"], "chainIndex": 1, "pulseIndex": 1, "listValues": listed,
              "timeStamp": whole["time_stamp"], "localRandomValue": whole["local_random_value"],
              "external": {"sourceId": "00" * 64, "statusCode": 0, "value": "00" * 64}, "statusCode": 0,
              "precommitmentValue": whole["precommitment_value"], "signatureValue": whole["signature_value"],
              "outputValue": whole["output_value"]}  # fmt: skip
    yield "nist", json.dumps({"pulse": answer}).encode()


def _lists() -> Seeds:
    for case in _cases("roster"):
        for line in case["roster"].splitlines():
            yield "roster", line.encode()
    for case in _cases("record"):
        yield "recusals", case["recusals"].encode()
        yield "results", case["artifact"].encode()
    yield "exclusions", b'{"no":"H-000001","reason":"closed"}\n'
    for case in _cases("seals", "refuse"):
        line = json.dumps(case["opening"], ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        yield "openings", line.encode() + b"\n"


def _folder() -> Seeds:
    signature = "a" * 96
    randomness = sha256(bytes.fromhex(signature)).hexdigest()
    for fields in (
        {"round": 1000, "signature": signature, "randomness": randomness},
        {"round": 1, "signature": signature * 2, "previous_signature": "b" * 64},
    ):
        yield "pulse", json.dumps(fields).encode()
    yield "map", MAP.encode()
    yield "numbers", f"no,key\nH-000001,{'a' * 64}\nH-000002,{'b' * 64}\n".encode()
    yield "csv", CSV.encode()
    yield "csv", CSV.encode("gb18030")
    yield "sheet", _spreadsheet()
    yield "sheet-ods", _open_document()
    yield "sheet-xls", _old_spreadsheet()
    yield "proposal", "机构名称,机构类型,联系电话\n第一医院,医院,0531-88880001\n第二医院,诊所,0531-88880002\n".encode()
    yield "proposal", "名录\n编号,姓名,是否在岗\nI-1,赵一,是\n".encode("gb18030")
    yield "pairs", PAIRS.encode()
    yield "form", PLAN.encode()
    yield "form", DRAW.encode()
    yield "catalogue", b'[error]\nnot-found = "{found} is not there"\n[check.seed]\nholds = "it holds"\n'
    yield "logs", POLICY.splitlines(keepends=True)[1].encode()
    yield "address", b"[::1]:8080"
    yield "settings", SETTINGS.encode()


def _spreadsheet() -> bytes:
    """Return the least .xlsx file with a header and a row, uncompressed so that a mutation reaches the XML."""
    rows = [line.split(",") for line in CSV.splitlines()[:2]]
    cells = "".join(
        f'<row r="{y}">' + "".join(
            f'<c r="{"ABC"[x]}{y}" t="inlineStr"><is><t>{cell}</t></is></c>' for x, cell in enumerate(row)
        ) + "</row>" for y, row in enumerate(rows, 1)
    )  # fmt: skip
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types"/>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="rId1" Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>'
        '<sheet name="S" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="rId1" Type="{office}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{cells}</sheetData></worksheet>',
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as file:
        for name, text in parts.items():
            file.writestr(zipfile.ZipInfo(name), text)
    return out.getvalue()


def _open_document() -> bytes:
    """Return the least .ods file with a header and a row, uncompressed as well."""
    office, table, text = (f"urn:oasis:names:tc:opendocument:xmlns:{name}:1.0" for name in ("office", "table", "text"))
    rows = "".join(
        "<table:table-row>" + "".join(
            f'<table:table-cell office:value-type="string"><text:p>{cell}</text:p></table:table-cell>'
            for cell in line.split(",")
        ) + "</table:table-row>" for line in CSV.splitlines()[:2]
    )  # fmt: skip
    content = (
        f'<office:document-content xmlns:office="{office}" xmlns:table="{table}" xmlns:text="{text}"><office:body>'
        f'<office:spreadsheet><table:table table:name="S">{rows}</table:table></office:spreadsheet></office:body>'
        "</office:document-content>"
    )
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as file:
        for name, part in {"mimetype": kind, "META-INF/manifest.xml": "<m/>", "content.xml": content}.items():
            file.writestr(zipfile.ZipInfo(name), part)
    return out.getvalue()


def _old_spreadsheet() -> bytes:
    """Return an .xls file with a header and a row."""
    import xlwt

    book = xlwt.Workbook()
    page = book.add_sheet("S")
    for row, line in enumerate(CSV.splitlines()[:2]):
        for column, cell in enumerate(line.split(",")):
            page.write(row, column, cell)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def seeds() -> dict[str, bytes]:
    """Return every seed by its path below fuzz/corpus."""
    made: dict[str, bytes] = {}
    for target, data in [
        *_log(),
        *_sites(),
        *_draw(),
        *_scanned(),
        *_terms(),
        *_rules(),
        *_acts(),
        *_sources(),
        *_lists(),
        *_folder(),
    ]:
        made[f"{target}/{sha256(data).hexdigest()[:16]}"] = data
    return made


if __name__ == "__main__":
    shutil.rmtree(HERE / "corpus", ignore_errors=True)
    for path, data in seeds().items():
        file = HERE / "corpus" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
