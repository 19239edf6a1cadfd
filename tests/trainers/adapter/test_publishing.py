"""Pushing to the Hub against a stand-in on the loopback, through the real huggingface_hub and hf-xet."""

import hashlib
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import huggingface_hub.constants
import pytest
from huggingface_hub import HfApi

from harness.errors import HarnessError, InputError, UsageError
from harness.testing.servers.loopback import Step
from tests.servers.hub import STORE_TOKEN, Hub, Repository, hub, refusal
from tests.trainers.adapter_folders import contract_of, record_of, write_folder
from trainers.adapter import publishing
from trainers.adapter.card import card_text
from trainers.adapter.publishing import PUBLISHED, place_notices, push_to_hub, refuse_public

TOKEN = "hf_" + "s3cret" * 5
WEIGHTS = bytes(range(256)) * 1200


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    """A stand-in that HF_ENDPOINT names, without a token from outside."""
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(huggingface_hub.constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
    monkeypatch.setattr(publishing, "_WAIT", 0.01)
    with hub(TOKEN) as running:
        # Read from HF_ENDPOINT when the library is imported; tests/cli/test_card.py sets the variable itself.
        monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", running.url)
        yield running


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    """A finished adapter with its card and picture."""
    folder = write_folder(tmp_path / "out", weights=WEIGHTS)
    text = card_text(record_of(), name="out", contract=contract_of(), curve=True)
    (folder / "README.md").write_text(text, encoding="utf-8")
    (folder / "loss.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(2000))
    return folder


@pytest.mark.parametrize("xet", [True, False])
def test_the_adapter_arrives_and_nothing_else(
    server: Hub, adapter: Path, xet: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one commit, by either way of large files: what was written lies there, without checkpoints or notes."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_DISABLE_XET", not xet)
    assert f"{server.url}/someone/mine" == push_to_hub(adapter, "someone/mine", token=TOKEN)
    repository = server.repositories["someone/mine"]
    assert sorted(PUBLISHED) == sorted(repository.files)
    assert 1 == len(repository.commits)
    for name, stored in repository.files.items():
        content = (adapter / name).read_bytes()
        if name == "README.md":  # the commands of the published one load it from the Hub
            content = content.replace(b'ADAPTER = "out"', b'ADAPTER = "someone/mine"')
            content = content.replace(b"--model adapter:out ", b"--model adapter:someone/mine ")
        assert stored == (content if isinstance(stored, bytes) else hashlib.sha256(content).hexdigest()), name
    assert hashlib.sha256(WEIGHTS).hexdigest() == repository.files["adapter_model.safetensors"]
    assert xet == bool(server.called("/v1/xorbs/"))
    assert xet != (WEIGHTS in server.large.values())


def test_the_repository_is_private_unless_asked_otherwise(server: Hub, adapter: Path) -> None:
    """The Hub is told so when the repository is made."""
    push_to_hub(adapter, "someone/hidden", token=TOKEN)
    push_to_hub(adapter, "someone/shown", private=False, token=TOKEN)
    first, second = (call.body for call in server.called("/api/repos/create"))
    assert ("hidden", "someone", "private", "model") == tuple(
        first[key] for key in ("name", "organization", "visibility", "type")
    )
    assert "private" != second.get("visibility")
    assert (True, False) == tuple(server.repositories[f"someone/{name}"].private for name in ("hidden", "shown"))


def test_a_public_repository_does_not_get_what_was_meant_to_be_private(server: Hub, adapter: Path) -> None:
    """It is there already, so asking for a private one would change nothing: no file is sent."""
    server.repositories["someone/shown"] = Repository(private=False)
    with pytest.raises(HarnessError, match="someone/shown is there already, and public") as refused:
        push_to_hub(adapter, "someone/shown", token=TOKEN)
    assert "--public" in str(refused.value.hint)
    assert {} == server.repositories["someone/shown"].files
    push_to_hub(adapter, "someone/shown", private=False, token=TOKEN)
    assert 1 == len(server.repositories["someone/shown"].commits)


@pytest.mark.parametrize("place", ["deep/er/out", "/home/me/out", "my 'own' out"])
def test_the_published_card_loads_the_adapter_from_the_hub(server: Hub, adapter: Path, place: str) -> None:
    """No folder of this machine is left in it, the author's words stay, and so does the card on the disk."""
    text = card_text(record_of(), name="out", place=place, contract=contract_of(), curve=True)
    text = text.replace("## Data\n", "## Data\n\nMy own words on adapter:out.\n")
    (adapter / "README.md").write_text(text, encoding="utf-8")
    push_to_hub(adapter, "someone/mine", token=TOKEN)
    stored = server.repositories["someone/mine"].files["README.md"]
    assert isinstance(stored, bytes)
    expected = card_text(record_of(), name="out", place="someone/mine", contract=contract_of(), curve=True)
    expected = expected.replace("harness card someone/mine", "harness card out")
    expected = expected.replace("## Data\n", "## Data\n\nMy own words on adapter:out.\n")
    assert expected == stored.decode()
    assert text == (adapter / "README.md").read_bytes().decode()


def test_a_public_repository_is_found_before_training(server: Hub) -> None:
    """A private one, a new one and a Hub that fails are no reason not to train."""
    server.repositories |= {f"someone/{name}": Repository(private=name == "hidden") for name in ("hidden", "shown")}
    refuse_public("someone/hidden", TOKEN)
    refuse_public("someone/new", TOKEN)
    refuse_public("nameless", TOKEN)
    with pytest.raises(HarnessError, match="someone/shown is there already, and public") as refused:
        refuse_public("someone/shown", TOKEN)
    assert "harness card DIR --push-to-hub someone/shown --public" in str(refused.value.hint)
    server.faults["/api/models/someone/shown"] = [Step({"error": "down"}, status=503)] * 9
    refuse_public("someone/shown", TOKEN)


@pytest.mark.parametrize(
    ("base", "says"), [("llm-jp/llm-jp-3-13b", False), ("/models/mine", True), ("gguf:/models/m.gguf", True)]
)
def test_a_base_on_this_machine_is_told_of(tmp_path: Path, base: str, says: bool) -> None:
    """What is recorded is what evaluation looks for, so it is published as it is: its author should know."""
    folder = write_folder(tmp_path / "out", record_of(base=base))
    assert says == any(f"recorded as {base}, " in notice for notice in place_notices(folder))


def test_a_home_folder_in_a_published_file_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A template given by its whole path is recorded so; files that are not published do not count."""
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    folder = write_folder(tmp_path / "out", record_of(prompt="prompts/mine.j2"))
    (folder / "notes.txt").write_text(str(tmp_path / "me/notes"))
    assert [] == place_notices(folder)
    [notice] = place_notices(write_folder(tmp_path / "other", record_of(prompt=str(tmp_path / "me/mine.j2"))))
    assert notice.startswith(f"{tmp_path / 'me'} stands in training.json, and is published so")


def test_homes_that_are_written_otherwise_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """JSON may escape a folder's name; without a home there is nothing to tell, and nothing fails."""
    folder = write_folder(tmp_path / "out", record_of())
    monkeypatch.setenv("HOME", str(tmp_path / "山田"))
    (folder / "trainer_log.jsonl").write_text(json.dumps({"event": f"{tmp_path}/山田/x"}) + "\n")
    assert 1 == len(place_notices(folder))

    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", homeless)
    assert [] == place_notices(folder)


def test_pushing_again_sends_what_changed(server: Hub, adapter: Path) -> None:
    """An existing repository (409) is used; an unchanged adapter makes no second commit, a new card does."""
    push_to_hub(adapter, "someone/mine", token=TOKEN)
    push_to_hub(adapter, "someone/mine", token=TOKEN)
    repository = server.repositories["someone/mine"]
    repository.files["by-hand.txt"] = b"theirs"
    assert 1 == len(repository.commits)
    with (adapter / "README.md").open("a", encoding="utf-8") as card:
        card.write("more\n")
    push_to_hub(adapter, "someone/mine", token=TOKEN)
    assert 2 == len(repository.commits)
    changed = [json.loads(line)["value"].get("path") for line in server.called("/commit/")[-1].raw.splitlines()]
    assert [None, "README.md"] == changed
    assert b"theirs" == repository.files["by-hand.txt"]


def test_the_token_is_in_one_header_and_nowhere_else(
    server: Hub, adapter: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Not in an address, a body, another header, on the screen or in a log; the content store gets one of its own."""
    caplog.set_level(logging.DEBUG)
    push_to_hub(adapter, "someone/mine", token=TOKEN)
    assert TOKEN not in "".join(capfd.readouterr()) + caplog.text
    for call in server.calls:
        rest = [value for name, value in call.headers.items() if name != "authorization"]
        assert TOKEN not in "\n".join([call.path, call.raw.decode("utf-8", "replace"), *rest])
    bearers = {call.headers.get("authorization") for call in server.calls}
    assert {f"Bearer {TOKEN}", f"Bearer {STORE_TOKEN}", None} >= bearers


def test_the_token_comes_from_the_environment_or_from_logging_in(
    server: Hub, adapter: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """HF_TOKEN, else the file of `hf auth login`."""
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    push_to_hub(adapter, "someone/first")
    monkeypatch.delenv("HF_TOKEN")
    (tmp_path / "no-token").write_text(TOKEN, encoding="utf-8")
    push_to_hub(adapter, "second")
    assert {"someone/first", "someone/second"} == set(server.repositories)


def test_without_a_token_nothing_is_asked(server: Hub, adapter: Path) -> None:
    """The message says how to get one."""
    with pytest.raises(HarnessError, match="no token for the Hub") as refused:
        push_to_hub(adapter, "someone/mine")
    assert "hf auth login" in str(refused.value.hint)
    assert [] == server.calls


@pytest.mark.parametrize("token", ["hf_日本", "hf_a b", "hf_a\x07b"])
def test_what_cannot_be_a_token_is_not_shown(server: Hub, adapter: Path, token: str) -> None:
    """A pasted text with blanks or other characters: refused before it reaches a library that would quote it."""
    with pytest.raises(HarnessError, match="characters that no token has") as refused:
        push_to_hub(adapter, "someone/mine", token=token)
    assert token not in f"{refused.value} {refused.value.hint}"
    assert [] == server.calls


@pytest.mark.parametrize("name", ["a/b/c", "some one/x", "someone/-x", "someone/x--y", "", "x" * 97])
def test_a_name_that_the_hub_does_not_take(server: Hub, adapter: Path, name: str) -> None:
    """A usage error before anything is sent."""
    with pytest.raises(UsageError, match="no name of a repository"):
        push_to_hub(adapter, name, token=TOKEN)
    assert [] == server.called("/api/repos")


@pytest.mark.parametrize("missing", ["adapter_config.json", "adapter_model.safetensors"])
def test_a_folder_without_an_adapter_is_not_pushed(server: Hub, adapter: Path, missing: str) -> None:
    """The missing file is named."""
    (adapter / missing).unlink()
    with pytest.raises(InputError, match=f"no {missing}"):
        push_to_hub(adapter, "someone/mine", token=TOKEN)
    assert [] == server.calls


def refused(adapter: Path, repo: str = "someone/mine", token: str = TOKEN) -> HarnessError:
    """Return the error of a push that must fail; whatever it is, it does not show the token."""
    with pytest.raises(HarnessError) as error:
        push_to_hub(adapter, repo, token=token)
    assert token not in f"{error.value} {error.value.hint}"
    assert error.value.__suppress_context__
    return error.value


def test_a_token_that_the_hub_rejects(server: Hub, adapter: Path) -> None:
    """401: the sentence, and how to get another."""
    error = refused(adapter, token="hf_wrong")
    assert "The Hub does not accept the token (401): Invalid credentials in Authorization header." == error.message
    assert "hf auth login" in str(error.hint)
    assert {} == server.repositories


def test_a_repository_of_somebody_else(server: Hub, adapter: Path) -> None:
    """403: the owner is named as the Hub names it."""
    error = refused(adapter, "another/mine")
    assert "The Hub refuses to write another/mine (403): You don't have the rights" in error.message
    assert "write access" in str(error.hint)


@pytest.mark.parametrize("place", ["/api/validate-yaml", "/preupload/", "/commit/"])
@pytest.mark.parametrize(
    ("status", "message", "expected"),
    [
        (401, "Invalid username or password.", "does not accept the token"),
        (403, "Private repository storage limit reached", "refuses to write someone/mine (403): Private repository"),
        (404, "Repository not found", "shows this token no repository someone/mine"),
        (429, "Rate limited", "asks to wait"),
    ],
)
def test_what_the_hub_says_later_is_told(
    server: Hub, adapter: Path, place: str, status: int, message: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the check of the card, before the files or at the commit: one sentence each, with the Hub's own words."""
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda _seconds: None)
    server.faults[place] = [refusal(status, message)] * 20
    error = refused(adapter)
    assert expected in error.message
    assert message.rstrip(".") in error.message
    assert [] == server.repositories["someone/mine"].commits


@pytest.mark.parametrize("place", ["/api/repos/create", "/preupload/", "/commit/"])
def test_an_error_of_the_hub_is_tried_again(server: Hub, adapter: Path, place: str) -> None:
    """Once 500, then as ever: one commit, and the user hears nothing of it."""
    server.faults[place] = [refusal(500, "Internal Error")]
    push_to_hub(adapter, "someone/mine", token=TOKEN)
    assert 1 == len(server.repositories["someone/mine"].commits)
    assert len(PUBLISHED) == len(server.repositories["someone/mine"].files)


def test_a_hub_that_stays_broken_is_given_up(server: Hub, adapter: Path) -> None:
    """After three tries."""
    server.faults["/api/repos/create"] = [refusal(500, "Internal Error")] * 9
    error = refused(adapter)
    assert "The Hub failed on someone/mine (500): Internal Error." == error.message
    assert 3 == len(server.called("/api/repos/create"))


def test_metadata_that_the_hub_refuses(server: Hub, adapter: Path) -> None:
    """Before the first file goes out; the card is named as what to correct."""
    (adapter / "README.md").write_text("---\nbase_model: not a model\n---\n# x\n", encoding="utf-8")
    error = refused(adapter)
    assert '"base_model" with value' in error.message
    assert "Correct README.md" in str(error.hint)
    assert [] == server.called("/preupload/")


@pytest.mark.parametrize("place", ["/api/repos/create", "/commit/"])
def test_a_connection_that_breaks(server: Hub, adapter: Path, place: str) -> None:
    """The address is named, and that the same command begins again."""
    server.faults[place] = [Step(drop=True)] * 9
    error = refused(adapter)
    assert f"The upload to {server.url} broke off" in error.message
    assert "same command" in str(error.hint)


def test_nobody_at_the_address(server: Hub, adapter: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Connection refused."""
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")
    assert "The upload to http://127.0.0.1:9 broke off: ConnectError" in refused(adapter).message


def test_whatever_a_library_quotes_the_token_is_taken_out(
    server: Hub, adapter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error of the upload whose text holds the token."""

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError(f"bad header: Bearer {TOKEN}")

    monkeypatch.setattr(HfApi, "create_commit", broken)
    assert "RuntimeError: bad header: Bearer …" in refused(adapter).message
