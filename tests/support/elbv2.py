#!/usr/bin/python3
"""A stand-in for the API of AWS Elastic Load Balancing (2015-12-01), and for the load balancer itself.

    elbv2.py API_PORT FRONT_PORT STATE NAME=TARGET_PORT...

What it takes and answers follows the published description that botocore has (service-2.json), and is met by the real `aws` client.
STATE is a JSON file: {"actions": the default actions of the one listener, which are those of its one rule as well; "calls": how often
each operation was asked; "beside": {PORT: [rules]}: of other listeners (or, with port 80, of this one), as describe-rules tells them}. A file STATE.fault makes operations fail: {"ModifyListener": ["InternalFailure", 500, 1]}, so many times.
It also answers GetCallerIdentity of STS and SimulatePrincipalPolicy of IAM: "denied" in STATE lists the actions that are not allowed.
The front answers by the weights of the forward action; a target group without a target that listens answers 503.
"""
import json
import os
import random
import socket
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LISTENER = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/shop/50dc6c495c0c9188/f2f7dc8efc522ab2"
RULE = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener-rule/app/shop/50dc6c495c0c9188/f2f7dc8efc522ab2/9683b2d02a6cabee"
GROUP = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/{}/73e2d6bc24d8a067"
SPACE = "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/"
lock = threading.Lock()


class Refused(Exception):
    def __init__(self, code, status, message):
        super().__init__(message)
        self.code, self.status = code, status


def listed(fields):
    """{"A.member.1.B": "x"} as {"A": [{"B": "x"}]}"""
    tree = {}
    for name, value in fields.items():
        here = tree
        *path, last = name.split(".")
        for part in path:
            here = here.setdefault(part, {})
        here[last] = value

    def folded(node):
        if not isinstance(node, dict):
            return node
        if set(node) == {"member"}:
            return [folded(node["member"][key]) for key in sorted(node["member"], key=int)]
        return {key: folded(value) for key, value in node.items()}
    return folded(tree)


def xml(value):
    if isinstance(value, dict):
        return "".join(f"<{key}>{xml(each)}</{key}>" for key, each in value.items())
    if isinstance(value, list):
        return "".join(f"<member>{xml(each)}</member>" for each in value)
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return text.replace("&", "&amp;").replace("<", "&lt;")


class Balancer:
    def __init__(self, state, targets):
        self.state, self.targets = state, targets

    def load(self):
        with open(self.state, encoding="utf-8") as file:
            return json.load(file)

    def store(self, value):
        with open(self.state + ".new", "w", encoding="utf-8") as file:
            json.dump(value, file)
        os.rename(self.state + ".new", self.state)

    def fault(self, operation):
        try:
            with open(self.state + ".fault", encoding="utf-8") as file:
                faults = json.load(file)
        except OSError:
            return
        code, status, times = faults.get(operation, ("", 0, 0))
        if times > 0:
            faults[operation] = [code, status, times - 1]
            with open(self.state + ".fault", "w", encoding="utf-8") as file:
                json.dump(faults, file)
            raise Refused(code, status, "Rate exceeded" if code == "Throttling" else "the stand-in was asked to fail")

    def checked(self, actions):
        forwards = [action for action in actions if action.get("Type") == "forward"]
        if len(forwards) != 1:
            raise Refused("InvalidLoadBalancerAction", 400, "exactly one forward action")
        groups = forwards[0].get("ForwardConfig", {}).get("TargetGroups", [])
        if "TargetGroupArn" in forwards[0] and len(groups) > 1:
            raise Refused("ValidationError", 400, "You cannot specify both a target group ARN and several target groups")
        for group in groups:
            if group["TargetGroupArn"] not in {GROUP.format(name) for name in self.targets}:
                raise Refused("TargetGroupNotFound", 400, "One or more target groups not found")
            group["Weight"] = int(group["Weight"])
            if not 0 <= group["Weight"] <= 999:
                raise Refused("ValidationError", 400, "weight")
        sticky = forwards[0]["ForwardConfig"].setdefault("TargetGroupStickinessConfig", {"Enabled": False})
        sticky["Enabled"] = str(sticky["Enabled"]).lower() == "true"
        return actions

    def do(self, operation, asked):
        with lock:
            value = self.load()
            value["calls"][operation] = value["calls"].get(operation, 0) + 1
            self.store(value)
            self.fault(operation)
            if operation in ("DescribeListeners", "ModifyListener"):
                if "LoadBalancerArn" in asked:
                    return {"Listeners": [{"ListenerArn": LISTENER if port == "80" else LISTENER + port, "Port": int(port), "Protocol": "HTTP"}
                                          for port in sorted({"80", *value.get("beside", {})})]}
                arn = asked.get("ListenerArn") or (asked.get("ListenerArns") or [""])[0]
                if arn != LISTENER:
                    raise Refused("ListenerNotFound", 400, "One or more listeners not found")
                if operation == "ModifyListener":
                    value["actions"] = self.checked(asked["DefaultActions"])
                    self.store(value)
                return {"Listeners": [{"ListenerArn": LISTENER, "Port": 80, "Protocol": "HTTP", "DefaultActions": value["actions"]}]}
            if operation in ("DescribeRules", "ModifyRule"):
                if operation == "DescribeRules" and "ListenerArn" in asked:
                    port = asked["ListenerArn"].removeprefix(LISTENER) or "80"
                    own = [{"RuleArn": RULE, "Priority": "default", "Conditions": [], "Actions": value["actions"], "IsDefault": True}]
                    return {"Rules": value.get("beside", {}).get(port, []) + (own if port == "80" else [])}
                arn = asked.get("RuleArn") or (asked.get("RuleArns") or [""])[0]
                if arn != RULE:
                    raise Refused("RuleNotFound", 400, "One or more rules not found")
                if operation == "ModifyRule":
                    value["actions"] = self.checked(asked["Actions"])
                    self.store(value)
                return {"Rules": [{"RuleArn": RULE, "Priority": "10", "Conditions": [], "Actions": value["actions"], "IsDefault": False}]}
            if operation == "DescribeTargetHealth":
                name = asked["TargetGroupArn"].split("/")[1]
                if name not in self.targets:
                    raise Refused("TargetGroupNotFound", 400, "One or more target groups not found")
                health = {"State": "healthy"} if self.listens(name) else {"State": "unhealthy", "Reason": "Target.FailedHealthChecks"}
                return {"TargetHealthDescriptions": [{"Target": {"Id": "127.0.0.1", "Port": self.targets[name]}, "TargetHealth": health}]}
            if operation == "GetCallerIdentity":
                return {"UserId": "AROA:ci", "Account": "123456789012", "Arn": "arn:aws:sts::123456789012:assumed-role/release/ci"}
            if operation == "SimulatePrincipalPolicy":
                if asked["PolicySourceArn"] != "arn:aws:iam::123456789012:role/release":
                    raise Refused("NoSuchEntity", 404, "The role cannot be found")
                return {"IsTruncated": False, "EvaluationResults": [
                    {"EvalActionName": action, "EvalResourceName": asked["ResourceArns"][0], "MatchedStatements": [], "MissingContextValues": [],
                     "EvalDecision": "implicitDeny" if action in value.get("denied", []) else "allowed"}
                    for action in asked["ActionNames"]]}
            raise Refused("InvalidAction", 400, f"Could not find operation {operation}")

    def listens(self, name):
        try:
            socket.create_connection(("127.0.0.1", self.targets[name]), 1).close()
            return True
        except OSError:
            return False

    def target(self):
        groups = next(action for action in self.load()["actions"] if action["Type"] == "forward")["ForwardConfig"]["TargetGroups"]
        weights = [group["Weight"] for group in groups]
        if not sum(weights):
            return None
        chosen = random.choices(groups, weights)[0]["TargetGroupArn"].split("/")[1]
        return self.targets[chosen]


def api(balancer):
    class Api(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            fields = dict(urllib.parse.parse_qsl(body))
            operation = fields.pop("Action", "")
            fields.pop("Version", "")
            try:
                if "AWS4-HMAC-SHA256" not in self.headers.get("Authorization", ""):
                    raise Refused("MissingAuthenticationToken", 403, "Request is missing Authentication Token")
                found = balancer.do(operation, listed(fields))
                status, text = 200, f"<{operation}Result>{xml(found)}</{operation}Result><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata>"
                text = f'<{operation}Response xmlns="{SPACE}">{text}</{operation}Response>'
            except Refused as refused:
                status = refused.status
                text = (f'<ErrorResponse xmlns="{SPACE}"><Error><Type>Sender</Type><Code>{refused.code}</Code>'
                        f"<Message>{refused}</Message></Error><RequestId>1</RequestId></ErrorResponse>")
            self.send_response(status)
            self.send_header("Content-Type", "text/xml")
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_):
            pass
    return Api


def front(balancer):
    class Front(BaseHTTPRequestHandler):
        def do_GET(self):
            status, body = 503, b"<h1>503 Service Temporarily Unavailable</h1>"
            if port := balancer.target():
                try:
                    with urllib.request.urlopen(f"http://127.0.0.1:{port}{self.path}", timeout=5) as reply:
                        status, body = reply.status, reply.read()
                except urllib.error.HTTPError as error:
                    status, body = error.code, error.read()
                except OSError:
                    status, body = 502, b"<h1>502 Bad Gateway</h1>"
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass
    return Front


def main():
    threading.Timer(240, os._exit, [9]).start()  # a test that was killed cleans nothing up
    api_port, front_port, state, *targets = sys.argv[1:]
    names = {name: int(port) for name, _, port in (target.partition("=") for target in targets)}
    balancer = Balancer(state, names)
    if not os.path.exists(state):
        first = list(names)[-1]
        balancer.store({"calls": {}, "actions": [{"Type": "forward", "Order": 1, "ForwardConfig": {
            "TargetGroups": [{"TargetGroupArn": GROUP.format(name), "Weight": 1 if name == first else 0} for name in names],
            "TargetGroupStickinessConfig": {"Enabled": False}}}]})
    ThreadingHTTPServer.request_queue_size = 128
    server = ThreadingHTTPServer(("127.0.0.1", int(front_port)), front(balancer))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    ThreadingHTTPServer(("127.0.0.1", int(api_port)), api(balancer)).serve_forever()


if __name__ == "__main__":
    main()
