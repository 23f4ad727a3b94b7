"""Who may talk to whom in the cluster: exactly what is needed, worked out from labels and policies."""

from collections.abc import Iterator

import pytest

from tests.deployment.manifests import OVERLAYS, Resource, of_kind, resources, selects, workloads

DNS = {("kube-system/kube-dns", 53, "UDP"), ("kube-system/kube-dns", 53, "TCP")}
ANYWHERE = ("0.0.0.0/0", "::/0")
CONTROLLERS = ("ingress-nginx", "nginx-ingress", "traefik")
INSTANCES = "cluster postgres"

Flow = tuple[str, int, str]
"""Somebody at the other end, the port that is reached, and over what."""


def peers(found: list[Resource], rules: list[Resource], side: str) -> Iterator[Flow]:
    """The other ends that a policy's rules name, in words."""
    for rule in rules:
        for port in rule["ports"]:
            for peer in rule.get(side, [{}]):
                for name in named(found, peer):
                    yield name, port["port"], port["protocol"]


def named(found: list[Resource], peer: Resource) -> list[str]:
    if "ipBlock" in peer:
        return [peer["ipBlock"]["cidr"]]
    pods = peer.get("podSelector")
    if "namespaceSelector" in peer:
        label = peer["namespaceSelector"]
        spaces = [
            *label.get("matchLabels", {}).values(),
            *(value for one in label.get("matchExpressions", ()) for value in one["values"]),
        ]
        which = "/" + next(iter(pods["matchLabels"].values())) if pods else ""
        return [space + which for space in spaces]
    if pods is None:
        return ["anything"]
    if "cnpg.io/cluster" in pods["matchLabels"]:
        return [f"cluster {pods['matchLabels']['cnpg.io/cluster']}"]
    return [one.name for one in workloads(found) if selects(pods, one.labels)]


def flows(found: list[Resource], direction: str) -> dict[str, set[Flow]]:
    """For each pod, what it may reach (Egress) or who may reach it (Ingress)."""
    side = {"Ingress": "from", "Egress": "to"}[direction]
    ends = {one.name: one.labels for one in workloads(found)}
    if of_kind(found, "Cluster"):
        ends[INSTANCES] = {"cnpg.io/cluster": "postgres"}
    allowed: dict[str, set[Flow]] = {name: set() for name in ends}
    for policy in of_kind(found, "NetworkPolicy").values():
        spec = policy["spec"]
        for name, labels in ends.items():
            if direction in spec["policyTypes"] and selects(spec["podSelector"], labels):
                allowed[name] |= set(peers(found, spec.get(direction.lower(), []), side))
    return allowed


def version(found: list[Resource]) -> str:
    return next(one.name for one in workloads(found) if one.name.startswith("migrate"))


@pytest.mark.parametrize("name", OVERLAYS)
def test_nothing_is_allowed_that_nobody_named(name: str) -> None:
    policy = of_kind(resources(name), "NetworkPolicy")["nothing"]["spec"]
    assert policy == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


@pytest.mark.parametrize("name", OVERLAYS)
def test_who_is_reached_by_whom(name: str) -> None:
    found = resources(name)
    clients = {one.name for one in workloads(found) if one.labels.get("facekey/database") == "client"}
    wanted: dict[str, set[Flow]] = {
        "auth-service": {(space, 8000, "TCP") for space in CONTROLLERS},
        "web": {(space, 8080, "TCP") for space in CONTROLLERS},
        "redis": {("auth-service", 6379, "TCP")},
        version(found): set(),
    }
    if name != "development":
        wanted |= {"backup": set(), "restore": set()}
    if name == "development":
        wanted["postgres"] = {(client, 5432, "TCP") for client in clients}
    if name == "production":
        wanted["auth-service"].add(("monitoring/prometheus", 8000, "TCP"))
        own = {(INSTANCES, port, "TCP") for port in (5432, 8000)}
        operator = {("cnpg-system/cloudnative-pg", port, "TCP") for port in (5432, 8000)}
        wanted[INSTANCES] = {(client, 5432, "TCP") for client in clients} | own | operator
    assert flows(found, "Ingress") == wanted


@pytest.mark.parametrize("name", OVERLAYS)
def test_who_reaches_whom(name: str) -> None:
    found = resources(name)
    postgres: set[Flow] = {
        "standard": {(cidr, 5432, "TCP") for cidr in ANYWHERE},
        "development": {("postgres", 5432, "TCP")},
        "production": {(INSTANCES, 5432, "TCP")},
    }[name]
    wanted: dict[str, set[Flow]] = {
        "auth-service": DNS | postgres | {("redis", 6379, "TCP")},
        version(found): DNS | postgres,
        "redis": set(),
        "web": set(),
    }
    if name != "development":
        wanted |= {"backup": DNS | postgres, "restore": DNS | postgres}
    if name == "development":
        wanted["postgres"] = DNS
    if name == "production":
        wanted["auth-service"] |= {(cidr, port, "TCP") for cidr in ANYWHERE for port in (443, 465, 587)}
        own = {(INSTANCES, port, "TCP") for port in (5432, 8000)}
        wanted[INSTANCES] = DNS | own | {("anything", port, "TCP") for port in (443, 6443)}
    assert flows(found, "Egress") == wanted


def test_alerts_that_leave_the_cluster_reach_no_private_address() -> None:
    policy = of_kind(resources("production"), "NetworkPolicy")["auth-service-to-mail-and-webhook"]
    (rule,) = policy["spec"]["egress"]
    spared = {network for peer in rule["to"] for network in peer["ipBlock"]["except"]}
    assert {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fc00::/7"} <= spared


@pytest.mark.parametrize("name", OVERLAYS)
def test_both_ends_of_every_flow_inside_agree(name: str) -> None:
    found = resources(name)
    incoming, outgoing = flows(found, "Ingress"), flows(found, "Egress")
    inside = set(incoming)
    sent = {(end, *flow) for end, allowed in outgoing.items() for flow in allowed if flow[0] in inside}
    taken = {
        (flow[0], end, *flow[1:])
        for end, allowed in incoming.items()
        for flow in allowed
        if flow[0] in inside
    }
    assert sent == taken
