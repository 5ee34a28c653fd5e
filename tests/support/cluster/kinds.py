"""The kinds of objects that the stand-in of an API server knows, as it tells a kubectl that asks."""
from wire import Refused

KINDS = {  # plural: (group/version, kind)
    "pods": ("v1", "Pod"), "configmaps": ("v1", "ConfigMap"), "secrets": ("v1", "Secret"), "services": ("v1", "Service"),
    "deployments": ("apps/v1", "Deployment"), "replicasets": ("apps/v1", "ReplicaSet"),
    "statefulsets": ("apps/v1", "StatefulSet"),
    "daemonsets": ("apps/v1", "DaemonSet"), "controllerrevisions": ("apps/v1", "ControllerRevision"),
    "virtualservices": ("networking.istio.io/v1beta1", "VirtualService"),
    "applications": ("argoproj.io/v1alpha1", "Application"),
    "kustomizations": ("kustomize.toolkit.fluxcd.io/v1", "Kustomization"),
    "selfsubjectaccessreviews": ("authorization.k8s.io/v1", "SelfSubjectAccessReview")}
SHORT = {"deployments": ["deploy"], "statefulsets": ["sts"], "daemonsets": ["ds"], "configmaps": ["cm"], "pods": ["po"],
         "replicasets": ["rs"],
         "virtualservices": ["vs"]}


def discovery(path):
    groups = sorted({version for version, _ in KINDS.values() if "/" in version})
    if path == "/api":
        return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}
    group_list = [{"name": group.split("/")[0], "versions": [{"groupVersion": group, "version": group.split("/")[1]}],
                   "preferredVersion": {"groupVersion": group, "version": group.split("/")[1]}} for group in groups]
    if path == "/apis":
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": group_list}
    wanted = path.removeprefix("/apis/").removeprefix("/api/")
    resources = [{"name": kind, "singularName": of.lower(), "namespaced": kind != "selfsubjectaccessreviews", "kind": of,
                  "verbs": ["create", "delete", "get", "list", "patch", "update", "watch"], "shortNames": SHORT.get(kind, [])}
                 for kind, (version, of) in KINDS.items() if version == wanted]
    if not resources:
        raise Refused(404, "NotFound", "the server could not find the requested resource")
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": wanted, "resources": resources}
