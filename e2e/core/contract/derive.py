#!/usr/bin/env python3
"""Derives the contract's cases from recorded exchanges of the real daemons.

    derive.py exchanges.jsonl exchanges2.jsonl > cases.jsonl

A recording has one exchange per line: service, label, setup, request {method, path, headers, body} and
response {status, headers, body}. Only what the simulated core serves is kept; of exchanges that merely
prepare others only what the later ones need. Uuids (tokens too) become <uuid:N>, passwords password-N.

The first line of the output holds what is common: the default rights, left out of every token, and how
many exchanges of which route were left out.
"""

import base64
import collections
import json
import re
import sys

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
LEFT_OUT = re.compile(
    r"^(auth /0\.1/config"
    r"|confd /1\.1/(applications|contexts|devices|extensions|ha|ingresses|lines|moh|phone-numbers|sounds|trunks"
    r"|voicemails)\b)"
)
PASSWORDS = {"password", "old_password", "new_password"}
KEPT_HEADERS = {
    "content-type", "x-auth-token", "wazo-tenant", "authorization", "traceparent", "tracestate", "origin",
    "access-control-request-method", "access-control-request-headers",
}


class Names:
    """Stand-ins for what must not or need not be kept."""

    def __init__(self):
        self.uuids = {}
        self.passwords = {"": "", "None": "None"}

    def password(self, text):
        if not isinstance(text, str) or len(text) > 100:
            return text
        return self.passwords.setdefault(text, f"password-{len(self.passwords) - 1}")

    def text(self, text):
        return UUID.sub(lambda found: f"<uuid:{self.uuids.setdefault(found.group(), len(self.uuids))}>", text)

    def value(self, value, key=None):
        if key in PASSWORDS:
            return self.password(value)
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.value(item) for item in value]
        if isinstance(value, dict):
            return {self.text(name): self.value(item, name) for name, item in value.items()}
        return value


def moment(body):
    """When an answer was given, in seconds since 1970, if it tells."""
    if not isinstance(body, dict):
        return None
    stamp = body.get("timestamp")
    if isinstance(stamp, list):
        stamp = stamp[0]
    return stamp if isinstance(stamp, float) else None


def case_of(where, exchange, names, default_acl):
    request, response = exchange["request"], exchange["response"]
    case = {"n": where}
    if exchange.get("setup"):
        case["setup"] = True
    if exchange.get("label"):
        case["label"] = names.text(exchange["label"])
    case |= {"daemon": exchange["service"], "method": request["method"], "path": names.text(request["path"])}
    headers = {}
    for name, value in request["headers"].items():
        if name.lower() not in KEPT_HEADERS:
            continue
        if value.startswith("Basic "):
            user, _, password = base64.b64decode(value[6:]).decode().partition(":")
            case["basic"] = [user, names.password(password)]
        elif (name, value) != ("Content-Type", "application/json"):
            headers[name] = names.text(value)
    if headers:
        case["headers"] = headers
    if isinstance(request["body"], str):
        case["raw"] = names.text(request["body"])
    elif request["body"] is not None:
        case["body"] = names.value(request["body"])
    if (at := moment(response["body"])) is not None:
        case["at"] = at
    body = response["body"]
    data = body.get("data") if isinstance(body, dict) else None
    if isinstance(data, dict) and "acl" in data:
        data["acl"] = {"default and": [entry for entry in data["acl"] if entry not in default_acl]}
        if request["method"] == "POST":
            case["issued"] = data["issued_at"] + "Z"
    answer = {"status": response["status"]}
    if not exchange.get("setup"):
        answer["headers"] = {name: names.text(value) for name, value in response["headers"].items()}
        answer["body"] = names.value(body)
    elif 200 <= response["status"] < 300 and body:
        # Only the ids made here are of use later.
        answer["ids"] = names.value(ids(body))
    case["answer"] = answer
    return case


def ids(value):
    """The parts of an answer that hold uuids."""
    if isinstance(value, dict):
        found = {name: ids(item) for name, item in value.items()}
        return {name: item for name, item in found.items() if item not in (None, {}, [])}
    if isinstance(value, list):
        # The place in a list counts, so that it is kept whole or not at all.
        found = [ids(item) for item in value]
        return found if any(item not in (None, {}, []) for item in found) else None
    return value if isinstance(value, str) and UUID.fullmatch(value) else None


def main(files):
    names, cases = Names(), []
    left_out = collections.Counter()
    default_acl = None
    for number, file in enumerate(files, 1):
        with open(file, encoding="utf-8") as lines:
            exchanges = [json.loads(line) for line in lines]
        for index, exchange in enumerate(exchanges):
            path = exchange["request"]["path"].split("?")[0]
            service = exchange["service"]
            if service == "auth" and path == "/0.1/config":
                policies = exchange["response"]["body"]["default_policies"]
                default_acl = policies["wazo_default_user_policy"]["acl"]
        for index, exchange in enumerate(exchanges):
            path = exchange["request"]["path"].split("?")[0]
            service = exchange["service"]
            if service not in ("auth", "confd"):
                if not exchange.get("setup"):
                    left_out[f"{service}, all routes"] += 1
            elif "<401>" in path:
                left_out["auth, token masked by the recorder (<401>)"] += 1
            elif LEFT_OUT.match(f"{service} {path}"):
                if not exchange.get("setup"):
                    left_out[f"{service}, {'/'.join(path.split('/')[:3])}"] += 1
            else:
                cases.append(case_of(f"{number}:{index + 1}", exchange, names, default_acl))
    head = {"default_acl": default_acl, "left_out": dict(sorted(left_out.items()))}
    for line in [head, *cases]:
        print(json.dumps(line, ensure_ascii=False, separators=(",", ":")))


if __name__ == "__main__":
    main(sys.argv[1:])
