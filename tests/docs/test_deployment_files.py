"""The files by which many machines are set up name only what there is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import kubernetes_asyncio.client as models
import prefect.settings
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deployments"
MANIFESTS = [
    manifest
    for file in sorted((FOLDER / "kubernetes").glob("*.yaml"))
    if file.name != "kustomization.yaml"
    for manifest in yaml.safe_load_all(file.read_text(encoding="utf-8"))
]
COMPOSE = yaml.safe_load((FOLDER / "compose.yaml").read_text(encoding="utf-8"))
MODELS = {
    "apps/v1 Deployment": "V1Deployment",
    "batch/v1 Job": "V1Job",
    "networking.k8s.io/v1 NetworkPolicy": "V1NetworkPolicy",
    "policy/v1 PodDisruptionBudget": "V1PodDisruptionBudget",
    "v1 ConfigMap": "V1ConfigMap",
    "v1 PersistentVolumeClaim": "V1PersistentVolumeClaim",
    "v1 Service": "V1Service",
}


def unknown_keys(value: Any, kind: str, *, path: str = "") -> list[str]:
    """Keys that Kubernetes' own model of an object does not have."""
    if found := re.fullmatch(r"list\[(.+)\]|dict\((?:.+), (.+)\)", kind):
        inner = found[1] or found[2]
        parts = enumerate(value) if found[1] else value.items()
        return [bad for key, one in parts for bad in unknown_keys(one, inner, path=f"{path}.{key}")]
    model = getattr(models, kind, None)
    if model is None:
        return []
    names = {given: name for name, given in model.attribute_map.items()}
    bad = [f"{path}.{key}" for key in value if key not in names]
    known = [(key, one) for key, one in value.items() if key in names]
    inside = [unknown_keys(one, model.openapi_types[names[key]], path=f"{path}.{key}") for key, one in known]
    return bad + [one for part in inside for one in part]


def pods() -> dict[str, Any]:
    """The pods that are made, by name."""
    found = [one for one in MANIFESTS if one["kind"] in ("Deployment", "Job")]
    return {one["metadata"]["name"]: one["spec"]["template"] for one in found}


def test_kubernetes_knows_every_key() -> None:
    found = [
        unknown_keys(manifest, MODELS[f"{manifest['apiVersion']} {manifest['kind']}"], path=manifest["kind"])
        for manifest in MANIFESTS
    ]

    assert [bad for part in found for bad in part] == []


def test_a_key_that_kubernetes_does_not_know_is_found() -> None:
    wrong = {"spec": {"template": {"spec": {"containers": [{"name": "one", "comand": ["x"]}]}}}}

    assert unknown_keys(wrong, "V1Deployment") == [".spec.template.spec.containers.0.comand"]


def test_every_pod_is_locked_and_chosen_by_its_own_label() -> None:
    for name, template in pods().items():
        container = template["spec"]["containers"][0]

        assert template["metadata"]["labels"] == {"app": name}
        assert template["spec"]["securityContext"]["runAsNonRoot"]
        assert container["securityContext"]["readOnlyRootFilesystem"]
        assert {one["name"] for one in container["volumeMounts"]} == {
            one["name"] for one in template["spec"]["volumes"]
        }


def test_the_kustomization_lists_every_manifest() -> None:
    folder = FOLDER / "kubernetes"
    listed = yaml.safe_load((folder / "kustomization.yaml").read_text(encoding="utf-8"))["resources"]

    assert set(listed) == {file.name for file in folder.glob("*.yaml")} - {"kustomization.yaml"}


def test_services_of_compose_wait_for_services_and_join_networks_that_there_are() -> None:
    services = COMPOSE["services"]

    for service in services.values():
        assert set(service.get("depends_on", {})) <= set(services)
        assert set(service["networks"]) <= set(COMPOSE["networks"])
    for server in ("api-1", "api-2"):
        assert f"{server}:4200" in (FOLDER / "proxy.conf").read_text(encoding="utf-8")


def test_files_that_compose_mounts_are_there() -> None:
    mounted = [one for service in COMPOSE["services"].values() for one in service.get("volumes", [])]
    files = [one.partition(":")[0] for one in mounted if one.startswith("./")]

    assert files
    assert [name for name in files if not (FOLDER / name).is_file()] == []


@pytest.mark.parametrize(
    "environment",
    [
        COMPOSE["x-prefect-server"]["environment"],
        COMPOSE["services"]["worker"]["environment"],
        *(manifest["data"] for manifest in MANIFESTS if manifest["kind"] == "ConfigMap"),
    ],
)
def test_prefect_knows_every_setting(environment: dict[str, str]) -> None:
    # Those of prefect-redis are its own, and CAPSTAN_ ones have tests of their own.
    names = [name for name in environment if re.match("PREFECT_(?!REDIS_)", name)]

    assert names
    assert [name for name in names if not hasattr(prefect.settings, name)] == []


def test_the_services_of_systemd_start_programs_of_the_clone_without_rights() -> None:
    units = sorted(FOLDER.glob("*.service"))

    assert len(units) == 4
    for unit in units:
        lines = unit.read_text(encoding="utf-8").splitlines()
        start = next(line for line in lines if line.startswith("ExecStart="))
        assert start.startswith("ExecStart=/srv/capstan/current/.venv/bin/")
        assert {"User=capstan", "NoNewPrivileges=yes", "UMask=0077", "Restart=always"} <= set(lines)
