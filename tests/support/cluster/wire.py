"""What comes over the wire to the stand-in of an API server: patches, and questions in protobuf."""
import copy


class Refused(Exception):
    def __init__(self, code, reason, message):
        super().__init__(message)
        self.code, self.reason, self.message = code, reason, message


def merged(old, change):
    """A merge patch; lists of named things are merged by name, as a strategic one does."""
    if not isinstance(change, dict):
        return change
    if change.get("$patch") == "replace" or not isinstance(old, dict):
        return {key: copy.deepcopy(value) for key, value in change.items() if not key.startswith("$")}
    new = dict(old)
    for key, value in change.items():
        if key.startswith("$"):
            continue
        if value is None:
            new.pop(key, None)
        elif key in ("containers", "env") and isinstance(value, list) and all("name" in each for each in value):
            known = {each["name"]: each for each in new.get(key, [])}
            new[key] = list({**known, **{each["name"]: merged(known.get(each["name"]), each) for each in value}}.values())
        else:
            new[key] = merged(new.get(key), value)
    return new


def json_patched(thing, operations):
    thing = copy.deepcopy(thing)
    for operation in operations:
        *way, last = [part.replace("~1", "/").replace("~0", "~") for part in operation["path"].split("/")[1:]]
        here = thing
        try:
            for part in way:
                here = here[int(part)] if isinstance(here, list) else here[part]
            last = int(last) if isinstance(here, list) else last
            if operation["op"] == "test" and here[last] != operation["value"]:
                raise KeyError(last)
        except (KeyError, IndexError, TypeError, ValueError):
            raise Refused(422, "Invalid", "the server rejected our request due to an error in our request") from None
        if operation["op"] in ("replace", "add"):
            here[last] = operation["value"]
        elif operation["op"] == "remove":
            del here[last]
    return thing


def fields(data):
    """The length-delimited fields of a protobuf message: {number: bytes}. Newer kubectls ask some questions in it."""
    found, at = {}, 0
    while at < len(data):
        key, length = data[at], data[at + 1]
        if key & 7 != 2:  # a number
            at += 2
            continue
        at += 2
        if length & 0x80:
            length, at = (length & 0x7F) | data[at] << 7, at + 1
        found[key >> 3] = data[at:at + length]
        at += length
    return found


def access_review(data):
    asked = fields(fields(fields(fields(data[4:])[2])[2])[1])
    return {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "metadata": {},
            "spec": {"resourceAttributes": {"verb": asked[2].decode(), "resource": asked[5].decode()}}}


def without_empty(value):
    """What a server's defaults come to: what is empty and what is not said are the same."""
    if isinstance(value, dict):
        kept = {key: without_empty(each) for key, each in value.items()}
        return {key: each for key, each in kept.items() if each not in (None, {}, [], "")}
    return [without_empty(each) for each in value] if isinstance(value, list) else value
