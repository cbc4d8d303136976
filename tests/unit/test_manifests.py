"""What `kubectl apply -k k8s/base` gives: valid, restricted, in step with the settings."""

import copy
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from app.catalogue.parse import parse_catalogue
from app.operations.main import create_operations_app
from app.serving.server import CUT_S_MAX, SHUTDOWN_S_MAX
from app.setting_types import Environment
from app.settings import SECRET, Settings
from app.settings_loading import load_settings

ROOT = Path(__file__).resolve().parents[2]
BASE = ROOT / "k8s" / "base"
KUBERNETES = "1.35"
CONFIG_MAP_BYTES_MAX = 1024 * 1024
OVERLAY = ROOT / "k8s" / "overlays" / "test"
SECRETS = {
    "ADMISSION_TICKET_SECRET": "2" * 64,
    "ADMISSION_TICKET_SECRET_BEFORE": "3" * 64,
    "AUTH_REVOCATIONS": "https://id:secret@issuer.example/revocations",
    "DATABASE_URL": "postgresql://headrace@database/headrace",
    "EVENTS_TOKEN": "0" * 64,
    "REWARD_URL": "https://rewards.example/grants",
    "ERASURE_SECRET": "1" * 64,
    "OPERATIONS_TOKEN": "4" * 64,
}

Document = dict[str, Any]


def read(name: str) -> list[Document]:
    return list(yaml.safe_load_all((BASE / name).read_text("utf-8")))


MANIFESTS = sorted({path.name for path in BASE.glob("*.yaml")} - {"kustomization.yaml"})
[KUSTOMIZATION] = read("kustomization.yaml")
DOCUMENTS = [document for name in MANIFESTS for document in read(name)]


def one(kind: str, name: str = "headrace") -> Document:
    [found] = [d for d in DOCUMENTS if d["kind"] == kind and d["metadata"]["name"] == name]
    return found


DEPLOYMENT = one("Deployment")
POD = DEPLOYMENT["spec"]["template"]["spec"]
[MIGRATE] = POD["initContainers"]
[SERVE] = POD["containers"]
PORTS = {port["name"]: port["containerPort"] for port in SERVE["ports"]}
BOTH = pytest.mark.parametrize("container", [MIGRATE, SERVE], ids=lambda each: each["name"])
PROBES = pytest.mark.parametrize("probe", ["startupProbe", "livenessProbe", "readinessProbe"])


def environment(container: Document) -> Iterator[tuple[str, str]]:
    for variable in container["env"]:
        name = variable["name"]
        yield name, SECRETS[name] if "valueFrom" in variable else variable["value"]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Read the ConfigMap as the pod does: one file per key, beside what the kubelet adds."""
    (tmp_path / "..data").mkdir()
    for name, value in one("ConfigMap")["data"].items():
        (tmp_path / "..data" / name).write_text(value, "utf-8")
        (tmp_path / name).symlink_to(Path("..data") / name)
    return load_settings(dict(environment(SERVE)) | {"SETTINGS_DIR": str(tmp_path)}).settings


# ── valid ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "document", DOCUMENTS, ids=lambda d: f"{d['kind']}-{d['metadata']['name']}"
)
def test_every_manifest_is_valid(document: Document) -> None:
    assert kubernetes_validate.validate(document, KUBERNETES, strict=True) == KUBERNETES


def test_a_typing_mistake_in_a_manifest_is_found() -> None:
    mistaken = copy.deepcopy(DEPLOYMENT)
    [container] = mistaken["spec"]["template"]["spec"]["containers"]
    container["livenessProbe"]["failureTreshold"] = 3
    with pytest.raises(kubernetes_validate.ValidationError, match="failureTreshold"):
        kubernetes_validate.validate(mistaken, KUBERNETES, strict=True)


def test_the_kustomization_applies_every_manifest() -> None:
    assert KUSTOMIZATION["resources"] == MANIFESTS


def test_the_image_is_this_version_for_both_containers() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    assert MIGRATE["image"] == SERVE["image"] == f"headrace:{version}"


# ── settings ──────────────────────────────────────────────────────────────────────────────────────


def test_the_config_map_names_only_settings_that_exist_and_they_are_in_force(
    settings: Settings,
) -> None:
    written = one("ConfigMap")["data"]
    assert {name.lower() for name in written} <= set(Settings.model_fields)
    assert settings.drain_delay_s == float(written["DRAIN_DELAY_S"])


def test_players_and_probes_reach_the_pod_from_outside_it(settings: Settings) -> None:
    assert settings.host == "0.0.0.0"
    assert {"http": settings.port, "operations": settings.operations_port} == PORTS


@BOTH
def test_both_containers_read_the_mounted_config_map(container: Document) -> None:
    [volume] = [each for each in POD["volumes"] if each.get("configMap") == {"name": "headrace"}]
    [mount] = [each for each in container["volumeMounts"] if each["name"] == volume["name"]]
    assert dict(environment(container))["SETTINGS_DIR"] == mount["mountPath"]


@BOTH
@pytest.mark.parametrize("setting", sorted(SECRET - {"database_url"}))
def test_what_is_secret_comes_from_a_secret(container: Document, setting: str) -> None:
    [variable] = [each for each in container["env"] if each["name"] == setting.upper()]
    key = setting.replace("_", "-")
    expected: Document = {"name": "headrace-settings", "key": key}
    if setting in {"admission_ticket_secret_before", "auth_revocations", "operations_token"}:
        expected["optional"] = True
    assert variable["valueFrom"] == {"secretKeyRef": expected}
    assert setting.upper() not in one("ConfigMap")["data"]


def test_the_base_is_production_and_asks_for_tokens(settings: Settings) -> None:
    assert settings.environment is Environment.PRODUCTION
    assert settings.auth_enabled
    assert settings.ticket_secrets


@pytest.mark.parametrize("given", [{}, SECRETS], ids=["none", "all"])
def test_the_test_overlay_starts_with_its_secrets_and_without(given: dict[str, str]) -> None:
    [patch] = yaml.safe_load_all((OVERLAY / "configmap.yaml").read_text("utf-8"))
    assert patch["metadata"] == {"name": "headrace"}
    data = one("ConfigMap")["data"] | patch["data"]
    required = {"DATABASE_URL": SECRETS["DATABASE_URL"]}
    settings = load_settings(data | required | given).settings
    assert settings.environment is Environment.TEST
    assert not settings.auth_enabled
    assert (settings.reward_url is None) is (not given)


def test_the_test_overlay_makes_each_secret_of_the_base_optional() -> None:
    [kustomization] = yaml.safe_load_all((OVERLAY / "kustomization.yaml").read_text("utf-8"))
    assert kustomization["resources"] == ["../../base"]
    assert {each["path"] for each in kustomization["patches"]} == {
        path.name for path in OVERLAY.iterdir() if path.name != "kustomization.yaml"
    }
    [patch] = yaml.safe_load_all((OVERLAY / "deployment.yaml").read_text("utf-8"))
    pod = patch["spec"]["template"]["spec"]
    for base, patched in ((MIGRATE, pod["initContainers"]), (SERVE, pod["containers"])):
        [container] = patched
        assert container["name"] == base["name"]
        optional = {each["name"]: each["valueFrom"]["secretKeyRef"] for each in container["env"]}
        for variable in base["env"]:
            of_base = variable.get("valueFrom", {}).get("secretKeyRef", {})
            if of_base.get("name") == "headrace-settings" and "optional" not in of_base:
                assert optional.pop(variable["name"]) == of_base | {"optional": True}
        assert optional == {}


@BOTH
def test_the_database_address_comes_from_a_secret_only(container: Document) -> None:
    [variable] = [each for each in container["env"] if each["name"] == "DATABASE_URL"]
    assert variable["valueFrom"] == {"secretKeyRef": {"name": "headrace-database", "key": "url"}}
    assert "DATABASE_URL" not in one("ConfigMap")["data"]


def test_the_catalogue_is_generated_valid_and_mounted_where_the_settings_look(
    settings: Settings,
) -> None:
    """A generated ConfigMap is named by its content: changing it rolls the Deployment out."""
    [generated] = KUSTOMIZATION["configMapGenerator"]
    [file] = generated["files"]
    of_it = {"name": generated["name"]}
    [volume] = [each for each in POD["volumes"] if each.get("configMap") == of_it]
    [mount] = [each for each in SERVE["volumeMounts"] if each["name"] == volume["name"]]
    assert mount["readOnly"] is True
    assert settings.catalogue_path == Path(mount["mountPath"]) / file
    content = (BASE / file).read_bytes()
    assert parse_catalogue(content).warnings == ()
    assert len(content) < CONFIG_MAP_BYTES_MAX
    assert {path.name for path in BASE.iterdir()} == {*MANIFESTS, "kustomization.yaml", file}


def test_another_service_cannot_inject_a_setting() -> None:
    assert POD["enableServiceLinks"] is False


def test_the_service_is_reachable_from_inside_the_cluster_only() -> None:
    """What lets players in is the cluster's own affair; the test overlay must let nobody in."""
    assert "type" not in one("Service")["spec"]


# ── probes and draining ───────────────────────────────────────────────────────────────────────────


@PROBES
def test_probes_ask_the_operations_port_for_a_path_that_it_has(probe: str) -> None:
    app = create_operations_app()
    asked = SERVE[probe]["httpGet"]
    assert asked["port"] == "operations"
    assert asked["path"] in {getattr(route, "path", None) for route in app.routes}


def test_only_readiness_depends_on_anything_but_the_event_loop() -> None:
    paths = {probe: SERVE[probe]["httpGet"]["path"] for probe in SERVE if probe.endswith("Probe")}
    assert paths == {
        "startupProbe": "/healthz",
        "livenessProbe": "/healthz",
        "readinessProbe": "/readyz",
    }


def test_the_grace_period_is_longer_than_everything_that_a_stop_may_take(
    settings: Settings,
) -> None:
    bounds_s = settings.drain_delay_s + settings.drain_s_max + CUT_S_MAX + SHUTDOWN_S_MAX
    assert POD["terminationGracePeriodSeconds"] >= bounds_s + 5


def test_the_service_alone_delays_its_stop() -> None:
    """A preStop would delay it twice, the first time while the pod still claims to be ready."""
    assert "lifecycle" not in SERVE


def test_a_roll_out_adds_a_pod_before_it_takes_one_away() -> None:
    assert DEPLOYMENT["spec"]["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}


# ── ports ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("service", "port"), [("headrace", "http"), ("headrace-operations", "operations")]
)
def test_each_service_leads_to_its_own_port_of_the_pods(service: str, port: str) -> None:
    spec = one("Service", service)["spec"]
    labels = DEPLOYMENT["spec"]["template"]["metadata"]["labels"]
    assert spec["ports"] == [{"name": port, "port": PORTS[port], "targetPort": port}]
    assert spec["selector"] == DEPLOYMENT["spec"]["selector"]["matchLabels"] == labels


# ── what the containers may do ────────────────────────────────────────────────────────────────────


def test_the_pod_is_nobody_and_has_no_token_for_the_cluster() -> None:
    context = POD["securityContext"]
    assert context["runAsNonRoot"] is True
    assert context["runAsUser"] > 0
    assert context["seccompProfile"] == {"type": "RuntimeDefault"}
    assert POD["automountServiceAccountToken"] is False


@BOTH
def test_a_container_can_neither_gain_rights_nor_change_its_image(container: Document) -> None:
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


@BOTH
def test_migrations_can_be_copied_to_a_bounded_folder(container: Document) -> None:
    """Also in the serving container, where the post phase is run by hand."""
    [volume] = [each for each in POD["volumes"] if "emptyDir" in each]
    assert {"name": volume["name"], "mountPath": "/tmp"} in container["volumeMounts"]
    assert volume["emptyDir"]["sizeLimit"] == "16Mi"


def test_what_must_exist_is_migrated_before_the_service_starts() -> None:
    assert MIGRATE["command"] == ["python", "-m", "app", "migrate", "--phase", "pre"]
    assert SERVE["command"] == ["python", "-m", "app", "serve"]


def test_a_pod_has_a_core_of_its_own_is_never_throttled_and_has_bounded_memory() -> None:
    assert SERVE["resources"]["requests"]["cpu"] == "1"
    assert SERVE["resources"]["limits"].keys() == {"memory"}
    assert MIGRATE["resources"]["limits"].keys() == {"memory"}
