"""Every command over the emulator: what it shows, and its JSON keys."""

from __future__ import annotations

import io
import json
import wave
from datetime import date
from decimal import Decimal

import click
import numpy as np
import pytest

from nanogpt_client import bundled_models
from nanogpt_client.cli import cli, files
from tests.support.rawserver import EVENT_STREAM, End, RawServer, chunked
from tests.unit.nanogpt_client.cli.running import as_json, offline, run

FILES = {"model", "files", "cost_usd", "sandbox"}
KEYS = [
    (("balance",), {"usd", "nano", "nano_deposit_address", "sandbox"}),
    (("usage",), {"requests", "cost_usd", "by_day", "by_model", "sandbox"}),
    (
        ("usage", "--subscription"),
        {"active", "state", "limits", "daily", "monthly", "sandbox"},
    ),
    (("models", "gpt"), {"models", "sandbox"}),
    (
        ("ask", "hi"),
        {
            *("model", "text", "reasoning", "refusal", "citations", "images", "finish_reason"),
            *("prompt_tokens", "completion_tokens", "request_id", "cost_usd", "sandbox"),
        },
    ),
    (("draw", "a cat"), FILES),
    (("speak", "hi"), FILES),
    (("video", "a cat"), FILES | {"run_id"}),
    (("embed", "hi"), {"model", "dimensions", "vectors", "cost_usd", "sandbox"}),
    (("embed", "hi", "-o", "v.npy"), FILES | {"dimensions"}),
    (("search", "What is Nano?"), {"answer", "hits", "cost_usd", "sandbox"}),
    (("estimate", "hi"), {"model", "estimate_usd", "balance_usd", "affordable", "sandbox"}),
    (("completion", "bash"), {"shell", "script", "sandbox"}),
]


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("arguments", "keys"), KEYS)
def test_the_keys_of_each_command(arguments, keys):
    value = as_json(*arguments)
    assert set(value) == keys
    assert value["sandbox"] is True
    if "cost_usd" in value:
        assert Decimal(value["cost_usd"]) >= 0  # a text


def test_every_command_is_tried_and_says_what_its_options_do():
    others = {"account", "transcribe", "mcp", "sandbox", "chat", "batch"}
    tried = {arguments[0] for arguments, _ in KEYS} | others
    assert set(cli.commands) == tried
    for command in (cli, *cli.commands.values()):
        assert command.help
        for option in command.params:
            if isinstance(option, click.Option):
                assert option.help, (command.name, option.name)
    for name in tried - {"account", "sandbox", "completion"}:  # which send nothing
        assert f"  nanogpt {name}" in offline(name, "--help").stdout.partition("Examples:")[2]
        text = offline(name, "--help").stdout
        assert (cli.commands[name].help or "?").split("\n")[0] in text
        assert all(
            option_name in text for option_name in ("--json", "--sandbox", "--timeout", "--budget")
        )


def test_common_options_stand_before_or_behind_the_name():
    before = run("--sandbox", "--json", "balance")
    behind = run("balance", "--json", "--sandbox")
    assert before.stdout == behind.stdout
    assert json.loads(before.stdout)["usd"] == "5"


def test_balance():
    lines = offline("balance").stdout.splitlines()
    assert lines[0] == "USD\t5"
    assert lines[2].startswith("Nano deposits to\tnano_")


def test_the_emulator_says_that_it_is_one():
    result = offline("balance")
    assert "emulator" in result.stderr
    assert "no money is spent" in result.stderr
    assert "simulated" in offline("ask", "hi").stderr


class TestAsk:
    def test_answer_and_sources_go_to_stdout_the_rest_to_stderr(self):
        result = offline("ask", "--web", "What", "is", "Nano?")
        text, _, notes = result.stdout.partition("\n\n")
        assert "Nano" in text
        number = text[text.index("[") + 1]
        assert f"[{number}] " in notes
        assert "https://" in notes
        assert "$" not in result.stdout
        assert "tokens in" in result.stderr

    def test_what_comes_through_the_pipe_follows_the_question(self):
        piped = "The parrot of Mrs Miller is called Zephyr and it is green."
        answer = as_json("ask", "What is the parrot of Mrs Miller called?", stdin=piped)
        assert "Zephyr" in answer["text"]

    def test_the_pipe_alone_is_the_question(self):
        assert as_json("ask", stdin="What is 12 times 7?\n")["text"]

    def test_no_question_sends_nothing(self):
        result = offline("ask", stdin="  \n")
        assert result.exit_code == 2
        assert "There is no text" in result.stderr

    def test_a_pipe_with_bytes_is_refused(self):
        result = offline("ask", stdin=b"\xff\xfe\x00")
        assert result.exit_code == 2
        assert "UTF-8" in result.stderr

    def test_reasoning_goes_to_stderr_unless_it_is_to_be_quiet(self):
        arguments = ("ask", "What is 12 times 7?", "--effort", "high")
        reasoning = as_json(*arguments)["reasoning"]
        assert reasoning
        loud, quiet = offline(*arguments), offline(*arguments, "--quiet")
        assert reasoning in loud.stderr
        assert reasoning not in quiet.stderr
        assert loud.stdout == quiet.stdout

    def test_a_limit_of_tokens_is_reported(self):
        result = offline("ask", "What is Nano?", "--web", "--max-tokens", "3")
        assert "cut off" in result.stderr
        assert as_json("ask", "Tell me all", "--max-tokens", "3")["finish_reason"] == "length"

    def test_options_reach_the_request(self):
        answer = (
            b'data: {"choices":[{"index":0,"delta":{"content":"Hi."},"finish_reason":"stop"}]}'
            b"\n\ndata: [DONE]\n\n"
        )
        options = ("--system", "Be brief", "--temperature", "0", "--max-tokens", "9", "--web")
        with RawServer([EVENT_STREAM, chunked(answer), End.CLOSE]) as server:
            result = run("ask", "hi", *options, NANOGPT_BASE_URL=server.base_url)
            (request,) = server.requests
        assert result.stdout == "Hi.\n"
        body = json.loads(request.body)
        assert body["messages"] == [
            {"role": "system", "content": "Be brief"},
            {"role": "user", "content": "hi"},
        ]
        assert (body["temperature"], body["max_tokens"]) == (0, 9)
        assert body["model"] == "openai/gpt-5.2:online"
        assert "reasoning_effort" not in body

    def test_an_image_in_an_answer_becomes_a_file(self, empty_folder):
        delta = {"images": [{"image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}]}
        event = {"choices": [{"index": 0, "delta": delta, "finish_reason": "stop"}]}
        answer = f"data: {json.dumps(event)}\n\ndata: [DONE]\n\n".encode()
        with RawServer([EVENT_STREAM, chunked(answer), End.CLOSE]) as server:
            result = run("ask", "draw", NANOGPT_BASE_URL=server.base_url)
        assert result.stdout == "answer.png\n"
        assert (empty_folder / "answer.png").read_bytes().startswith(b"\x89PNG")


class TestChat:
    def test_each_line_is_a_message_and_the_model_sees_those_before(self, sandbox):
        live = {"NANOGPT_API_KEY": sandbox.api_key, "NANOGPT_BASE_URL": sandbox.base_url}
        before = len(sandbox.requests)
        result = run(
            "chat", "-s", "Be brief", stdin="My name is Ada.\n\nWho am I?\n/quit\nno\n", **live
        )
        assert result.exit_code == 0
        first, second = [request.messages for request in list(sandbox.requests)[before:]]
        assert [message["role"] for message in second] == ["system", "user", "assistant", "user"]
        assert (second[:2], second[3]["content"]) == (first, "Who am I?")
        assert second[2]["content"] in result.stdout

    def test_a_conversation_is_no_object(self):
        assert offline("chat", "--json", stdin="hi").exit_code == 2

    def test_an_error_ends_a_piped_conversation(self):
        result = offline("chat", "--model", "sandbox/fault/400", stdin="hi\nhi\n")
        assert result.exit_code == 5


def test_a_search_shows_where_each_page_is():
    lines = offline("search", "What is Nano?", "-n", "2").stdout.splitlines()
    assert len(lines) == 2
    assert all(line.split("\t")[0].startswith("https://") for line in lines)
    found = as_json("search", "What is Nano?", "--answer")
    assert found["answer"]
    assert found["hits"]


def test_an_estimate_costs_nothing():
    result = offline("estimate", "What is Nano?")
    rows = dict(line.split("\t") for line in result.stdout.splitlines())
    assert Decimal(rows["USD"]) > 0
    assert (rows["balance"], rows["covered"]) == ("5", "yes")
    assert "$" not in result.stderr
    eight = as_json("estimate", "--model", "sora-2", "--seconds", "8")
    assert Decimal(eight["estimate_usd"]) == 8 * Decimal("0.1")


def test_a_default_model_is_set_by_a_variable():
    result = run("--sandbox", "ask", "hi", "--json", NANOGPT_MODEL="anthropic/claude-sonnet-4.5")
    assert json.loads(result.stdout)["model"] == "anthropic/claude-sonnet-4.5"


def test_tab_completes_model_ids():
    script = run("completion", "bash").stdout
    assert "_NANOGPT_COMPLETE=bash_complete" in script
    typed = {"COMP_WORDS": "nanogpt ask --model openai/gpt-5.2", "COMP_CWORD": "3"}
    result = run(_NANOGPT_COMPLETE="bash_complete", **typed)
    assert "plain,openai/gpt-5.2-codex" in result.stdout.splitlines()


class TestModels:
    def test_nothing_found_is_nothing_on_stdout_and_a_note(self):
        result = offline("models", "--offline", "no-such-model")
        assert (result.exit_code, result.stdout) == (0, "")
        assert "no model matches" in result.stderr

    def test_terms_capabilities_and_prices_filter(self):
        arguments = ("models", "--offline", "qwen3", "coder", "--tools", "--max-price", "1")
        found = as_json(*arguments)["models"]
        assert found
        for model in found:
            assert "qwen3" in model["id"].lower()
            assert "tool_calling" in model["capabilities"]
            assert Decimal(model["completion_usd"]) <= 1
            assert Decimal(model["prompt_usd"]) <= 1

    def test_without_a_filter_all_are_listed_by_name(self):
        ids = [line.split("\t")[0] for line in offline("models", "--offline").stdout.splitlines()]
        assert ids == sorted(bundled_models.models(), key=str.lower)

    def test_sorted_by_price_and_by_context(self):
        cheap = as_json("models", "--offline", "--sort", "price", "--limit", "30")["models"]
        prices = [max(Decimal(m["prompt_usd"]), Decimal(m["completion_usd"])) for m in cheap]
        assert len(cheap) == 30
        assert prices == sorted(prices)
        wide = as_json("models", "--offline", "--sort", "context", "--limit", "5")["models"]
        windows = [model["context_length"] for model in wide]
        assert windows == sorted(windows, reverse=True)
        assert windows[0] > 500_000

    def test_vision_and_context(self):
        found = as_json("models", "--vision", "--min-context", "200000")["models"]
        assert found
        assert all("vision" in m["capabilities"] for m in found)
        assert all(m["context_length"] >= 200_000 for m in found)

    @pytest.mark.parametrize(
        ("model", "prices"),
        [
            ("veo3-video", ["4.8 USD with audio", "3.2 USD without audio"]),
            ("gemini-omni-flash", ["0.13 to 0.42 USD per second by mode and resolution"]),
            ("kling-v26-pro", ["0.35 to 0.7 USD per duration"]),
            ("sora-2", ["0.1 USD per second"]),
        ],
    )
    def test_videos_are_listed_with_their_prices_whatever_the_shape(self, model, prices):
        line = offline("models", "--kind", "video", model).stdout
        assert all(price in line for price in prices)

    def test_offline_asks_nobody_and_needs_no_key(self):
        result = run(
            *("models", "--offline", "gpt-5"),
            NANOGPT_API_KEY=None,
            NANOGPT_BASE_URL="http://127.0.0.1:1",
        )
        assert result.exit_code == 0
        assert "openai/gpt-5.2\t" in result.stdout

    def test_other_kinds_show_their_units(self):
        assert "0.005 to 0.014 USD per image" in offline("models", "--kind", "image").stdout
        assert " USD per second" in offline("models", "--kind", "video").stdout
        assert "0.05 USD per million tokens" in offline("models", "--kind", "rerank").stdout
        assert "0.1 USD per million tokens" in offline("models", "--kind", "moderation").stdout
        assert "\n" not in offline("models", "--kind", "image", "--max-price", "0.001").stdout[:-1]


class TestMedia:
    def test_an_image_is_named_after_its_prompt(self, empty_folder):
        result = offline("draw", "A red", "parrot!")
        assert result.stdout == "a-red-parrot.png\n"
        assert (empty_folder / "a-red-parrot.png").read_bytes().startswith(b"\x89PNG")

    def test_a_second_one_gets_a_number(self, empty_folder):
        first = offline("draw", "cat").stdout
        content = (empty_folder / "cat.png").read_bytes()
        assert (first, offline("draw", "cat").stdout) == ("cat.png\n", "cat-2.png\n")
        assert (empty_folder / "cat.png").read_bytes() == content

    def test_several_at_once(self, empty_folder):
        files = as_json("draw", "cat", "-n", "2", "-o", "cat.png", "--force")["files"]
        assert files == ["cat-1.png", "cat-2.png"]
        assert all((empty_folder / name).is_file() for name in files)

    def test_a_named_file_has_that_name_whatever_the_model_makes(self, empty_folder):
        result = offline("draw", "a house", "-o", "house.jpg")
        assert (result.exit_code, result.stdout) == (0, "house.jpg\n")
        assert [path.name for path in empty_folder.iterdir()] == ["house.jpg"]
        assert (empty_folder / "house.jpg").read_bytes().startswith(b"\x89PNG")
        assert "house.jpg contains image/png" in result.stderr

    def test_a_file_that_another_program_wrote_meanwhile_stays(self, empty_folder, monkeypatch):
        monkeypatch.setattr(files.Target, "check", lambda *_, **__: None)
        (empty_folder / "cat.png").write_text("precious")
        result = offline("draw", "cat", "-o", "cat.png")
        assert result.exit_code == 1
        assert "cat.png exists by now; the result is in cat-2.png" in result.stderr
        assert (empty_folder / "cat.png").read_text() == "precious"
        assert (empty_folder / "cat-2.png").read_bytes().startswith(b"\x89PNG")

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (("draw", "hi", "-o", "no/such/cat.png"), "there is no folder"),
            (("draw", "hi", "-o", ".", "--force"), ". is a folder; name a file in it"),
            (("speak", "hi", "-o", "a.mp3", "--format", "wav"), "name two formats"),
            (("transcribe", "missing.mp3"), "There is no file 'missing.mp3'"),
            (("draw", "hi", "--image", "missing.png"), "There is no file 'missing.png'"),
            (("draw", "hi", "--image", "-"), "nothing was piped in"),
        ],
    )
    def test_paths_are_checked_before_anything_is_sent(self, arguments, message, empty_folder):
        result = offline(*arguments)
        assert (result.exit_code, list(empty_folder.iterdir())) == (2, [])
        assert message in result.stderr

    def test_files_come_through_the_pipe(self):
        spoken = offline("speak", "Good morning", "--format", "wav", "-o", "-").stdout_bytes
        assert offline("transcribe", "-", stdin=spoken).stdout == "Good morning\n"
        drawn = offline("draw", "a cat", "-o", "-").stdout_bytes
        assert as_json("draw", "now blue", "--image", "-", stdin=drawn)["files"]
        assert as_json("video", "it runs", "--image", "-", stdin=drawn)["files"]
        assert as_json("ask", "What is this?", "--image", "-", stdin=drawn)["text"]

    @pytest.mark.parametrize("command", ["draw", "speak", "video", "embed"])
    def test_a_file_that_is_there_is_refused_before_anything_is_sent(self, command, empty_folder):
        (empty_folder / "mine").write_text("precious")
        result = offline(command, "hi", "-o", "mine")
        assert result.exit_code == 2
        assert "--force" in result.stderr
        assert "$" not in result.stderr
        assert (empty_folder / "mine").read_text() == "precious"

    def test_force_writes_over_it(self, empty_folder):
        (empty_folder / "mine.wav").write_text("old")
        assert offline("speak", "hi", "--format", "wav", "-o", "mine.wav", "-f").exit_code == 0
        assert (empty_folder / "mine.wav").read_bytes().startswith(b"RIFF")

    def test_audio_has_the_format_that_its_name_says(self, empty_folder):
        assert offline("speak", "hi", "-o", "mine.wav").stdout == "mine.wav\n"
        assert (empty_folder / "mine.wav").read_bytes().startswith(b"RIFF")

    def test_a_folder_that_is_a_file_is_refused(self, empty_folder):
        (empty_folder / "file").write_text("no folder")
        result = offline("draw", "hi", "-o", "file/cat.png")
        assert result.exit_code == 2
        assert "there is no folder" in result.stderr

    def test_audio_through_a_pipe(self):
        result = offline("speak", "Good morning", "--format", "wav", "-o", "-")
        with wave.open(io.BytesIO(result.stdout_bytes)) as sound:
            assert sound.getnframes() > 1000

    def test_json_and_bytes_do_not_share_the_pipe(self):
        assert offline("speak", "hi", "-o", "-", "--json").exit_code == 2
        assert offline("draw", "hi", "-n", "2", "-o", "-").exit_code == 2

    def test_speech_is_transcribed(self):
        (name,) = as_json("speak", "Good morning to all", "--voice", "alloy", "-o", "said")["files"]
        heard = as_json("transcribe", name)
        assert set(heard) == {"model", "text", "language", "duration", "cost_usd", "sandbox"}
        assert heard["text"] == "Good morning to all"
        assert offline("transcribe", name).stdout == "Good morning to all\n"

    def test_an_image_to_edit(self):
        offline("draw", "a cat", "-o", "cat.png")
        assert as_json("draw", "now blue", "--image", "cat.png")["files"] == ["now-blue.png"]

    def test_a_video_is_fetched_again(self, sandbox):
        live = {"NANOGPT_API_KEY": sandbox.api_key, "NANOGPT_BASE_URL": sandbox.base_url}
        gave_up = run("video", "a cat", "--poll-timeout", "0", "--json", **live)
        error = json.loads(gave_up.stderr)["error"]
        assert (gave_up.exit_code, error["exit_code"]) == (13, 13)
        posts = sum(request.method == "POST" for request in sandbox.requests)
        found = json.loads(run("video", "--run-id", error["run_id"], "--json", **live).stdout)
        assert found["files"] == [f"{error['run_id']}.mp4"]
        assert sum(request.method == "POST" for request in sandbox.requests) == posts
        assert offline("video", "a cat", "--run-id", "x").exit_code == 2


def test_vectors_go_into_a_file():
    value = as_json("embed", "-o", "v.npy", stdin="one\n\ntwo\n")
    vectors = np.load(value["files"][0])
    assert vectors.shape == (2, value["dimensions"])
    assert vectors.dtype == np.float32
    shown = offline("embed", "one", "two").stdout.splitlines()
    assert [line.split("\t")[:2] for line in shown] == [["one", "1536"], ["two", "1536"]]
    numbers = np.array(shown[0].split("\t")[2].split(), np.float32)
    assert np.array_equal(numbers, vectors[0])


def test_usage_sums_by_model_and_by_day(sandbox):
    live = {"NANOGPT_API_KEY": sandbox.api_key, "NANOGPT_BASE_URL": sandbox.base_url}
    run("ask", "hi", **live)
    rows = [line.split("\t") for line in run("usage", **live).stdout.splitlines()]
    assert rows[-1][0] == "all"
    assert "GPT 5.2" in {row[0] for row in rows}
    assert int(rows[-1][1]) == sum(int(row[1]) for row in rows[:-1])
    days = [line.split("\t") for line in run("usage", "--by", "day", **live).stdout.splitlines()]
    assert date.fromisoformat(days[0][0]).year > 2000
    past = run("usage", "--by", "day", "--from", "2020-01-01", "--to", "2020-01-02", **live)
    assert past.stdout == "all\t0\t\t0\n"
    assert run("usage", "--from", "2020-01-01", **live).exit_code == 2


def test_the_subscription():
    rows = offline("usage", "--subscription").stdout.splitlines()
    assert rows[0].split("\t")[0] == "daily"
    assert len(rows) == 2
