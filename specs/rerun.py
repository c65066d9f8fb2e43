"""重新抽一遍 · Draw again, with Python's standard library alone: `python3 rerun.py FILE.fairdraw.json`.

Not checked: the beacon's signature, the log, witnesses, signatures, quotas. After tickets.md, selection.md and
assignment.md. Exit codes: 0 相同 the same, 1 不同 it differs, 2 读不了 cannot be read, 3 不能判断 not covered.
"""

import json
import sys
from base64 import b64decode
from collections import Counter
from datetime import date
from hashlib import sha256
from itertools import count
from pathlib import Path

NOT_COVERED = (
    "不能判断 not covered: 密封 sealed, 定向 filter, 专业特长 specialities, 专家 experts, 抽取池 pool, 切换链 switch "
    "chain, 事件 events, NIST"
)
NOT_CHECKED = "未核对 not checked: 信标签名 beacon signature, 日志 log, 见证 witnesses, 签名 signatures, 配额 quotas"


def sha(*lines):
    return sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()


def is_day(text):
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def fits(rule, thing, person, window):
    o, i = thing.get(rule["object"]), person[rule["inspector"]]
    same = json.dumps(o) == json.dumps(i)
    told = {"same": lambda: same, "differ": lambda: not same, "true": lambda: i is True,
            "valid": lambda: is_day(i) and i >= window, "at-least": lambda: i >= o, "contains": lambda: o in i,
            "under": lambda: i and o.startswith(i)}  # fmt: skip
    return i is not None and (rule["object"] is None or o is not None) and told[rule["rule"]]()


def key_of(said, draw, call):
    lines = ["fairdraw/v1/key", f"announcement {draw['announcement']['text']}"]
    names = [one["name"] for one in call["seed"].get("contributors", [])]
    lists = [one for one in said.values() if one["type"] == "reveals-closed"]
    closed = [one["reveals"] for one in lists if one["announcement"] == draw["announcement"]] or [[None] * len(names)]
    lines += [f"seed {name} {said[ref['text']]['seed'] if ref else '-'}" for name, ref in zip(names, closed[0])]
    for one, pulse in zip(call["beacon"], draw["pulses"]):
        random = sha256(bytes.fromhex(pulse["signature"])).hexdigest()
        lines.append(f"pulse {one['hash']} {one['round']} {random}")
    return sha(*lines)


def match(key, rules, able):
    first = {no: no for no in able}  # the smallest number of each object's block
    for one in {one for who in able.values() for one in who}:
        linked = {first[no] for no, who in able.items() if one in who}
        first = {no: min(linked) if name in linked else name for no, name in first.items()}
    teams, blocks = {}, []
    for name in sorted(set(first.values())):
        for attempt in count():  # all teams of a block anew, until nobody has more of them than the cap
            drawn, cap = {}, (rules["cap"] or len(able)) + attempt // rules["limit"]
            for no in [no for no in able if first[no] == name]:
                ranked = [one for _, one in sorted((sha(key, "team", attempt, 0, no, one), one) for one in able[no])]
                quota = rules["quota"] or [["", rules["size"]]]
                drawn[no] = [[d, one] for d, n in quota for one in [one for one in ranked if able[no][one] == d][:n]]
            if max(Counter(one for team in drawn.values() for _, one in team).values()) <= cap:
                break
        teams, blocks = {**teams, **drawn}, [*blocks, [name, attempt, cap]]
    return teams, blocks if rules["cap"] else []


def main(path):
    whole, results = json.loads(path.read_bytes()), []
    files = {one["digest"]: b64decode(one["data"]) for one in whole["artifacts"]}
    texts = [b64decode(one["note"]).partition(b"\n\n")[0].decode() for one in whole["entries"]]
    said = {sha(text): json.loads(text) for text in texts}

    def tell(what, *same):
        print(f"{what}: {'相同 same' if all(same) else '不同 DIFFERS'}")
        results.extend(same)

    def rows(named):
        return [json.loads(line) for line in files[named["digest"]].splitlines()]

    tell("文件 files", *(sha256(data).hexdigest() == digest for digest, data in files.items()))
    draw = said[whole["draw"]]
    call = said[draw["announcement"]["text"]]
    plan = said[call["plan"]["text"]]
    team, items = plan["team"], {slot.split("/")[1] for slot in call["slots"]}
    rules = {item: rule for rule in plan["rules"] for item in rule["items"] if item in items}
    special = [team[name] for name in ("specialities", "experts", "pool", "steps")]
    special += [rules[item]["filter"] for item in rules] + [len(one["signature"]) == 64 for one in draw["pulses"]]
    special += [call["disclosure"]["kind"] == "until"]
    if any(special):
        print(NOT_COVERED)
        return 3 if all(results) else 1
    key = key_of(said, draw, call)
    tell(f"密钥 key {key}", key == draw["key"])
    objects = {row["no"]: row["attrs"] for row in rows(said[call["objects"]["text"]]["roster"])}
    listed, out, chosen = rows(draw["results"]), rows(call["exclusions"]), {}
    for line in [line for line in listed if "ticket" not in line]:
        rule, excluded = rules[line["item"]], {one["no"] for one in out if one["item"] in (None, line["item"])}
        names = [*rule["strata"], *(name for name in (rule["grade"], rule["region"]) if name)]
        values = {no: json.dumps([objects[no][name] for name in names]) for no in objects}
        base = [no for no in objects if values[no] == json.dumps(line["stratum"])]
        able = sorted((sha(key, "object", no), no) for no in base if no not in excluded)[: line["quota"]]
        for one in able:
            chosen.setdefault(one, []).append([line["item"], line["stratum"]])
        cutoff, told = able[-1][0] if able else None, f"{line['item']} {line['stratum']}, 配额 quota {line['quota']}"
        tell(f"分层 stratum {told}", line["base"] == len(base), line["cutoff"] == cutoff)
    ours = [[no, ticket, strata] for (ticket, no), strata in sorted(chosen.items())]
    drawn = [line for line in listed if "ticket" in line]
    tell(f"抽中对象 selection {len(ours)}", ours == [[one["no"], one["ticket"], one["strata"]] for one in drawn])
    rosters = [rows(said[ref["text"]]["roster"]) for ref in [call["inspectors"], *call["joint"]]]
    staff = {row["no"]: row["attrs"] for roster in rosters for row in roster}
    place = {one: staff[one][team["department"]] if team["quota"] else "" for one in staff}
    places = {name for name, _ in team["quota"]} or {""}
    recused = {(one["object"], one["inspector"]) for one in rows(call["recusals"])}

    def may(one, no):
        fitting = all(fits(rule, objects[no], staff[one], call["window"]) for rule in team["eligible"])
        return place[one] in places and (no, one) not in recused and fitting

    able = {no: {one: place[one] for one in staff if may(one, no)} for no, *_ in ours}
    teams, blocks = match(key, team, able)
    tell(f"检查组 teams {len(teams)}", teams == {one["no"]: one["team"] for one in drawn}, blocks == draw["blocks"])
    print(NOT_CHECKED)
    return 0 if all(results) else 1


if __name__ == "__main__":
    try:
        sys.exit(main(Path(sys.argv[1])))
    except (AttributeError, IndexError, KeyError, OSError, TypeError, ValueError) as error:
        print(f"读不了 cannot be read: {error!r}")
        sys.exit(2)
