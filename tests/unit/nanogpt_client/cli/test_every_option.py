"""Every command with every option: in a pipe, on a narrow terminal, in ASCII, and misused."""

from __future__ import annotations

import io
import json

import click
import pytest
from click.testing import CliRunner
from rich.console import Console

from nanogpt_client.cli import cli
from nanogpt_client.cli.base import Session
from tests.unit.nanogpt_client.cli.running import KEY, offline

QUESTION = "Was ist ein Größenwahn? Say “naïve café”."
USES = [
    ("ask", QUESTION, "-m", "openai/gpt-5.2", "-s", "Be brief", "--web", "--max-tokens", "200",
     "--temperature", "0", "--effort", "high", "--quiet", "--image", "cat.png"),
    ("chat", "-m", "openai/gpt-5.2", "--system", "Be brief", "--web", "--max-tokens", "200",
     "--temperature", "0", "--effort", "low", "--quiet"),
    ("search", QUESTION, "-n", "2", "--answer", "--deep", "--provider", "linkup",
     "--since", "2026-01-01", "--site", "nano.org"),
    ("draw", QUESTION, "-m", "hidream", "--size", "1024x1024", "-n", "1", "-o", "new.png", "-f"),
    ("draw", QUESTION, "--image", "cat.png"),
    ("speak", QUESTION, "-m", "tts-1", "--voice", "nova", "--format", "wav", "--speed", "1",
     "-o", "new.wav", "--force"),
    ("speak", QUESTION, "-m", "gpt-4o-mini-tts", "--instructions", "calmly"),
    ("transcribe", "said.wav", "-m", "Whisper-Large-V3", "--language", "en"),
    ("video", QUESTION, "-m", "sora-2", "--duration", "4", "--aspect-ratio", "16:9",
     "--resolution", "720p", "--poll-timeout", "60", "-o", "new.mp4", "-f"),
    ("video", QUESTION, "--image", "cat.png"),
    ("embed", QUESTION, "-m", "text-embedding-3-small", "--dimensions", "8",
     "--max-concurrency", "2"),
    ("embed", QUESTION, "-o", "new.npy", "--force"),
    ("models", "gpt", "--kind", "text", "--scope", "all", "--vision", "--tools", "--reasoning",
     "--structured", "--min-context", "1000", "--max-price", "1000", "--sort", "price",
     "--limit", "3"),
    ("models", "gpt-5", "--offline"),
    ("estimate", QUESTION, "-m", "openai/gpt-5.2"),
    ("estimate", "-m", "sora-2", "--seconds", "4", "--resolution", "720p"),
    ("estimate", "-m", "hidream", "--size", "1024x1024", "-n", "2"),
    ("estimate", QUESTION, "-m", "tts-1", "--speech"),
    ("balance", "--timeout", "30", "--budget", "1"),
    ("usage", "--from", "2026-01-01", "--to", "2026-01-31", "--by", "day"),
    ("usage", "--subscription"),
    ("completion", "zsh"),
]  # fmt: skip
ELSEWHERE = {
    ("video", "run_id"),  # test_commands: needs the job of an earlier command
    ("account", "by"),  # test_shared_account
    *(("embed", name) for name in ("jobs", "store", "column", "on_unknown")),  # test_jobs
    # test_processes: serves until it is stopped
    *(("sandbox", name) for name in ("host", "port", "api_key", "balance", "rate", "scenario")),
    ("sandbox", "strict_models"),
}
COMMON = {"as_json", "sandbox", "timeout", "budget"}


@pytest.fixture(autouse=True)
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for arguments in (
        ("draw", "cat", "-o", "cat.png"),
        ("speak", "Good morning", "-o", "said.wav"),
    ):
        assert offline(*arguments).exit_code == 0


def options_of(command: click.Command) -> dict[str, click.Option]:
    return {
        str(option.name): option
        for option in command.params
        if isinstance(option, click.Option) and option.name not in COMMON
    }


def test_all_options_are_used():
    # ../mcp: serves until its client is gone
    used = ELSEWHERE | {("mcp", name) for name in options_of(cli.commands["mcp"])}
    for name, *arguments in USES:
        for key, option in options_of(cli.commands[name]).items():
            if {*option.opts} & {*arguments}:
                used.add((name, key))
    every = {(name, key) for name, command in cli.commands.items() for key in options_of(command)}
    assert used == every


@pytest.mark.parametrize("arguments", USES, ids=lambda arguments: " ".join(arguments)[:30])
def test_in_a_pipe_on_a_narrow_terminal_and_in_ascii(arguments):
    piped = offline(*arguments, stdin="hi\n")
    assert piped.exit_code == 0, piped.output
    assert "\x1b" not in piped.output
    narrow = io.StringIO()
    session = Session(out=Console(file=narrow, force_terminal=True, width=40, color_system=None))
    shown = CliRunner().invoke(
        cli, ["--sandbox", *arguments], obj=session, input="hi\n", env={"NANOGPT_API_KEY": KEY}
    )
    assert shown.exit_code == 0, shown.output
    if arguments[0] == "models":
        lines = narrow.getvalue().splitlines()
        for line in piped.stdout.splitlines():
            assert any(line.split("\t")[0] in shown_line for shown_line in lines)
    ascii_only = CliRunner(charset="ascii").invoke(
        cli, ["--sandbox", *arguments], input="hi\n", env={"NANOGPT_API_KEY": KEY}
    )
    assert ascii_only.exit_code == 0, ascii_only.output
    assert ascii_only.output.isascii()


def test_what_ascii_lacks_is_written_as_what_is_similar():
    result = CliRunner(charset="ascii").invoke(cli, ["--sandbox", "ask", "It’s “naïve” – 中…"])
    assert result.stdout == 'You said: It\'s "naive" - ?...\n'
    assert " - 0." in result.stderr


def test_json_in_ascii_loses_no_character():
    result = CliRunner(charset="ascii").invoke(cli, ["--sandbox", "--json", "ask", "Größe"])
    assert "Größe" in json.loads(result.stdout)["text"]


def test_bytes_of_another_encoding_are_refused_also_in_a_c_locale():
    result = CliRunner().invoke(cli, ["--sandbox", "ask"], input="Größe".encode("latin-1"))
    assert result.exit_code == 2
    assert "UTF-8" in result.stderr


WRONG = {"integer range": "x", "float range": "x", "choice": "nope", "datetime": "soon"}


@pytest.mark.parametrize(
    ("name", "option"),
    [
        (name, option)
        for name, command in cli.commands.items()
        for option in options_of(command).values()
        if option.type.name in WRONG and not option.is_flag
    ],
    ids=lambda value: value if isinstance(value, str) else str(value.name),
)
def test_a_wrong_value_names_the_option_and_sends_nothing(name, option):
    long = max(option.opts, key=len)
    result = offline(name, "hi", long, WRONG[option.type.name])
    assert result.exit_code == 2
    assert long in result.stderr
    assert "Traceback" not in result.output
    assert "$" not in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("ask", "hi", "--budget", "lots"), "'lots' is not an amount in USD"),
        (("usage", "--from", "2026-01-01"), "--from and --to go together"),
        (("embed", "hi", "--dimensions", "0"), "'--dimensions'"),
        (("sandbox", "--scenario", "nope"), "there is no 'nope'; choose a scenario ("),
        (("sandbox", "--rate", "-1"), "'--rate'"),
        (("sandbox", "--port", "99999"), "'--port'"),
        (("completion", "tcsh"), "'tcsh' is not one of"),
    ],
)
def test_errors_speak_of_options(arguments, message):
    result = offline(*arguments)
    assert result.exit_code == 2, result.output
    assert message in result.stderr
    assert "api_key=" not in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("speak", "hi", "--voice", "nobody"), "error: --voice: NanoGPT answered 400"),
        (("video", "hi", "--duration", "99"), "error: --duration: NanoGPT answered 400"),
    ],
)
def test_what_nanogpt_refuses_names_the_option(arguments, message):
    result = offline(*arguments)
    assert result.exit_code == 5
    assert message in result.stderr


def test_no_key_is_said_in_the_words_of_the_shell(monkeypatch):
    result = CliRunner().invoke(
        cli, ["ask", "hi"], env={"NANOGPT_API_KEY": None, "NANO_GPT_API_KEY": None}
    )
    assert result.exit_code == 3
    assert result.stderr == "error: no API key\n  set NANOGPT_API_KEY, or add --sandbox\n"
