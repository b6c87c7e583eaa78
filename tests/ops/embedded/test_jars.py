from __future__ import annotations

import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import jgo.constants
import pytest

from ops.embedded import JarsUnavailable, jars


def a_jar(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.class", b"")
    return path


def test_workers_that_start_together_fetch_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetches: list[Path] = []

    def resolve(staging: Path, on_progress: jars.Progress, *, use_local: bool) -> list[Path]:
        fetches.append(staging)
        return [a_jar(staging / "one.jar"), a_jar(staging / "two.jar")]

    monkeypatch.setattr(jars, "_resolve", resolve)
    with ThreadPoolExecutor(8) as pool:
        folders = set(pool.map(lambda _: jars.kafka_jars(folder=tmp_path), range(8)))

    assert len(fetches) == 1
    (folder,) = folders
    assert {jar.name for jar in folder.iterdir()} == {"one.jar", "two.jar"}


def test_a_download_that_was_cut_off_is_fetched_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []

    def resolve(staging: Path, on_progress: jars.Progress, *, use_local: bool) -> list[Path]:
        jar, pom = staging / "repository" / "one.jar", staging / "repository" / "one.pom"
        if not said:
            jar.parent.mkdir(parents=True)
            jar.write_bytes(b"PK half a jar")
            pom.write_text("<project><name>ha")
            raise OSError("connection reset")
        assert not jar.exists()
        assert not pom.exists()
        return [a_jar(jar)]

    monkeypatch.setattr(jars, "_resolve", resolve)
    folder = jars.kafka_jars(said.append, tmp_path)

    assert [path.name for path in folder.iterdir()] == ["one.jar"]
    assert "attempt 1 of 3 failed" in said[0]


def test_without_internet_there_is_a_sentence_with_a_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jgo.constants, "MAVEN_CENTRAL_URL", "http://127.0.0.1:1/maven2")
    monkeypatch.setattr(jgo.constants, "default_maven_repo", lambda: tmp_path / "none")

    with pytest.raises(
        JarsUnavailable, match=r"cannot be fetched from Maven Central.*KAFKA__BOOTSTRAP_SERVERS"
    ):
        jars.kafka_jars(folder=tmp_path)
