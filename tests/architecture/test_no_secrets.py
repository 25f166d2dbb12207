"""No committed file holds a key, a token or a password of the real world (security.md S48).

The shapes are those that secret scanners look for: they are unmistakable, so that a finding is
worth a failed run. History is the business of the hosting platform's scanner.
"""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
SHAPES: Final = {
    "AWS access key": r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b",
    "AWS secret key": r"(?i)aws_secret_access_key\s*[=:]\s*['\"]?[A-Za-z0-9/+]{40}\b",
    "private key": r"-----BEGIN (?:RSA |EC |DSA |OPENSSH |ENCRYPTED |PGP )?PRIVATE KEY",
    "GitHub token": r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{60,})\b",
    "GitLab token": r"\bglpat-[A-Za-z0-9_-]{20}\b",
    "Slack token": r"\bxox[abeprs]-[A-Za-z0-9-]{10,}\b",
    "Stripe key": r"\b[rs]k_live_[A-Za-z0-9]{20,}\b",
    "Google key": r"\bAIza[A-Za-z0-9_-]{35}\b",
    "npm token": r"\bnpm_[A-Za-z0-9]{36}\b",
    "PyPI token": r"\bpypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{50,}",
    "API key of this product": r"\bkopru_live_[A-Za-z0-9_-]{40,}\b",
    "JSON web token": r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\b",
    "address with a password": r"\b[a-z][a-z0-9+.-]*://[^/\s:@'\"{}$<>]+:[^/\s:@'\"{}$<>]{6,}@",
}
PATTERNS: Final = {name: re.compile(shape) for name, shape in SHAPES.items()}
# Written for a test that refuses them; nobody answers under these names.
MADE_UP: Final = re.compile(r"user:password@|\.example\b|kopru:kopru|localhost")


def committed() -> list[Path]:
    """Every file of the repository. Raises: CalledProcessError outside of one."""
    git = shutil.which("git")
    assert git is not None
    listed = subprocess.run(
        [git, "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True
    ).stdout
    return [ROOT / name for name in listed.decode().split("\0") if name]


def findings(text: str) -> list[str]:
    """Names of what looks like a secret in a text."""
    return [
        name
        for name, pattern in PATTERNS.items()
        for match in pattern.finditer(text)
        if not MADE_UP.search(text[match.start() : match.end() + 40])
    ]


def test_no_file_holds_a_secret() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("no repository: an archive holds no history to scan")
    found = {
        str(path.relative_to(ROOT)): names
        for path in committed()
        if path.is_file() and (names := findings(path.read_text(encoding="utf-8", errors="ignore")))
    }
    assert found == {}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("AWS access key", "AKIA" + "ABCDEFGHIJKLMNOP"),
        ("AWS secret key", "aws_secret_access_key = " + "a1/B" * 10),
        ("private key", "-----BEGIN " + "PRIVATE KEY-----"),
        ("GitHub token", "ghp_" + "a1B2" * 9),
        ("Slack token", "xoxb-" + "123456789012"),
        ("npm token", "npm_" + "a1B2" * 9),
        ("API key of this product", "kopru_live_" + "a1B2" * 11),
        (
            "JSON web token",
            ".".join(["eyJhbGciOiJIUzI1NiJ9", "eyJzdWIiOiIxMjM0In0", "a1B2c3D4e5F6"]),
        ),
        ("address with a password", "postgres://admin:" + "hunter22@db.internal/x"),
    ],
)
def test_a_secret_is_found(name: str, text: str) -> None:
    assert findings(f"before {text} after") == [name]


def test_what_only_looks_like_one_is_not() -> None:
    for text in (
        "https://user:password@host.example/",
        "sk_test_abc",
        "-----BEGIN CERTIFICATE-----",
    ):
        assert findings(text) == []
