"""What the platform reads: workflows, forms, updates. Checked as YAML, against this repository."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.packaging.release import METAPACKAGES, NAME, PROJECT
from tests.support.paths import ROOT

GITHUB = ROOT / ".github"
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
WORKFLOWS = {path.stem: path for path in sorted((GITHUB / "workflows").glob("*.yml"))}
# An action by its version, so that a change of it is a change here, too.
ACTION = re.compile(r"[\w.-]+/[\w./-]+@(v\d+|release/v\d+|[0-9a-f]{40})")
# Text from outside that would become part of a shell command; it belongs into `env`.
INJECTED = re.compile(r"\$\{\{\s*github\.(event|head_ref|ref_name|actor)")
SCOPES = {"contents", "id-token", "attestations"}


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text("utf-8"))


def jobs(name: str) -> dict[str, Any]:
    found: dict[str, Any] = read(WORKFLOWS[name])["jobs"]
    return found


JOBS = [(workflow, job) for workflow in WORKFLOWS for job in jobs(workflow)]


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_starts_and_may_only_read(name):
    workflow = read(WORKFLOWS[name])
    assert workflow[True]  # which is what YAML 1.1 reads for `on`
    assert workflow["permissions"] == {"contents": "read"}
    assert workflow["concurrency"]["group"]


@pytest.mark.parametrize(("workflow", "name"), JOBS)
def test_a_job_can_run(workflow, name):
    job = jobs(workflow)[name]
    needs = job.get("needs", [])
    assert set(needs if isinstance(needs, list) else [needs]) <= jobs(workflow).keys()
    assert 0 < job["timeout-minutes"] <= 60
    assert job["runs-on"]
    assert job.get("permissions", {}).keys() <= SCOPES
    for step in job["steps"]:
        assert ("uses" in step) != ("run" in step), step
        if "uses" in step:
            assert ACTION.fullmatch(step["uses"]), step
        assert not INJECTED.search(step.get("run", "")), step


@pytest.mark.parametrize(("workflow", "name"), JOBS)
def test_what_it_runs_is_there(workflow, name):
    job = jobs(workflow)[name]
    matrix = job.get("strategy", {}).get("matrix", {})
    targets = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
    for run in (step["run"] for step in job["steps"] if "run" in step):
        for wanted in re.findall(r"\bmake ((?:[a-z-]+ |\$\{\{.*?\}\} )+)", run):
            names = wanted.split() if "$" not in wanted else matrix["versions"]
            assert set(names) <= targets, run
        for folder in re.findall(r"\btests/[\w/]+", run):
            assert (ROOT / folder).exists(), run
        for module in re.findall(r"python -m (tests[\w.]+)", run):
            assert (ROOT / f"{module.replace('.', '/')}.py").exists(), run


def test_every_python_that_is_named_is_tested():
    named = [line.rpartition(" ")[2] for line in PROJECT["classifiers"] if ":: 3." in line]
    assert jobs("ci")["test"]["strategy"]["matrix"]["python"] == named


def test_both_ends_of_the_bounds_and_all_systems_are_tested():
    matrices = {name: job.get("strategy", {}).get("matrix", {}) for name, job in jobs("ci").items()}
    assert matrices["versions"] == {"versions": ["lowest", "newest"]}
    assert matrices["platforms"] == {"os": ["windows-latest", "macos-latest"]}


def test_one_check_stands_for_all():
    passed = jobs("ci")["passed"]
    assert set(passed["needs"]) == jobs("ci").keys() - {"passed"}
    assert passed["if"] == "always()"  # skipped would count as passed
    assert passed["steps"][0]["run"].count("success") == len(passed["needs"])


def test_a_release_publishes_each_project_by_trusted_publishing():
    publish = jobs("release")["publish"]
    assert publish["strategy"]["matrix"]["project"] == [NAME, *(p.name for p in METAPACKAGES)]
    assert publish["permissions"]["id-token"] == "write"
    uses = {step["uses"].partition("@")[0]: step.get("with", {}) for step in publish["steps"]}
    assert uses["pypa/gh-action-pypi-publish"]["attestations"] is True
    assert "actions/attest-build-provenance" in uses
    text = WORKFLOWS["release"].read_text("utf-8")
    assert "secrets." not in text
    assert "password" not in text


def test_no_job_that_may_write_runs_code_of_the_repository():
    for name, job in jobs("release").items():
        if "write" in job.get("permissions", {}).values():
            assert not any("checkout" in step.get("uses", "") for step in job["steps"]), name


@pytest.mark.parametrize("name", ["bug", "feature"])
def test_a_form_has_fields_of_its_own(name):
    form = read(GITHUB / "ISSUE_TEMPLATE" / f"{name}.yml")
    assert form.keys() >= {"name", "description", "body"}
    fields = [part for part in form["body"] if part["type"] != "markdown"]
    assert len({part["id"] for part in fields}) == len(fields)
    assert all(part["attributes"]["label"] for part in fields)


def test_updates_are_of_actions_and_of_what_we_ask_for():
    updates = read(GITHUB / "dependabot.yml")
    assert updates["version"] == 2
    assert {entry["package-ecosystem"] for entry in updates["updates"]} == {
        "github-actions", "pip",
    }  # fmt: skip


def test_the_owners_are_of_paths_that_exist():
    lines = (GITHUB / "CODEOWNERS").read_text("utf-8").splitlines()
    paths = [line.split()[0] for line in lines if line and not line.startswith("#")]
    assert paths
    assert [path for path in paths if not (ROOT / path.lstrip("/")).exists()] == []


def test_hooks_run_what_the_repository_has():
    (local,) = read(ROOT / ".pre-commit-config.yaml")["repos"]
    for hook in local["hooks"]:
        assert hook["language"] == "system"
        for path in re.findall(r"tests/\S+", hook["entry"]):
            assert (ROOT / path).exists()
    assert len({hook["id"] for hook in local["hooks"]}) == len(local["hooks"])


def test_none_names_the_host_of_a_package_index():
    hosts = [".".join(parts) for parts in (("pypi", "org"), ("files", "pythonhosted", "org"))]
    files = [path for path in (*GITHUB.rglob("*"), *ROOT.glob("*")) if path.is_file()]
    found = [path for path in files if any(host.encode() in path.read_bytes() for host in hosts)]
    assert len(files) > 15
    assert found == []
