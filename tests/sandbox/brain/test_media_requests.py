"""Requests of several steps for the media tools: which tools, in which order, with what.

`media_requests.json` holds requests in many wordings. On those under ``tuned`` the planner was
tried while it was written; those under ``checked`` it met afterwards.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from nanogpt_client.sandbox.brain import PlannedCall
from nanogpt_client.toolbox import TOOLS
from tests.sandbox.brain.chats import TEXT, ask, assistant, called, calls, run, schema, tool, user

REQUESTS = json.loads((Path(__file__).parent / "media_requests.json").read_text("utf-8"))
OURS = [each.schema() for each in TOOLS.values()]
PICTURE, SOUND, FILM = "/srv/out/image-3f2a81bc22.png", "/srv/out/speech-77aa.mp3", "/srv/out/v.mp4"
FACT = "Nano was founded by Colin LeMahieu in 2015."
HEARD = "The tide is coming in, said the keeper."
RESULTS = {
    "generate_image": f"Drew the picture with hidream for 0.0085 USD. File: {PICTURE}.",
    "speak": f"Spoke 46 characters for 0.0007 USD. File: {SOUND}.",
    "transcribe": HEARD,
    "generate_video": f"The video is ready for 0.35 USD. File: {FILM}. URL: https://cdn.example/v.mp4.",
    "search_web": (
        f"[1] Nano (digital money)\nhttps://encyclopedia.example/nano\n{FACT} It has no fees.\n\n"
        "[2] Digital money\nhttps://example.org/money.png\nIt exists in computers only."
    ),
    "check_balance": "The NanoGPT balance is 4.91 USD and 0 Nano.",
    "edit_image": "Changed the picture. File: /srv/out/image-2.png.",
    "estimate_cost": "image with hidream costs about 0.0085 USD.",
}
# The same work under other names, as somebody else's tools might have them.
THEIRS = {
    "paint": tool(
        "paint", "Create an illustration.", schema(["description"], description=TEXT, style=TEXT)
    ),
    "text_to_speech": tool("text_to_speech", "Convert text to an audio file.", schema(text=TEXT)),
    "speech_to_text": tool(
        "speech_to_text",
        "Transcribe an audio file.",
        schema(audio={"type": "string", "description": "path or URL of the recording"}),
    ),
    "make_movie": tool("make_movie", "Render a short video clip.", schema(prompt=TEXT)),
    "google": tool("google", "Search the internet.", schema(query=TEXT)),
    "modify_image": tool(
        "modify_image",
        "Edit a picture.",
        schema(image={"type": "string", "description": "path of the picture"}, change=TEXT),
    ),
    "quote": tool(
        "quote",
        "Estimate the cost of a job.",
        schema(kind={"type": "string", "enum": ["image", "speech", "video"]}),
    ),
    "account": tool("account", "Report the balance and what was spent.", schema()),
}
NAMES = dict(
    zip(
        THEIRS,
        "generate_image speak transcribe generate_video search_web edit_image estimate_cost"
        " check_balance".split(),
        strict=True,
    )
)


def planned(request: str, tools: Any = OURS) -> tuple[list[PlannedCall], str]:
    rounds, text = run(request, tools, lambda call: RESULTS[NAMES.get(call.name, call.name)])
    return [call for each in rounds for call in each], text


@pytest.mark.parametrize(
    "case", [*REQUESTS["tuned"], *REQUESTS["checked"]], ids=lambda case: case["request"][:50]
)
def test_the_tools_of_a_request(case: dict[str, str]):
    calls, text = planned(case["request"])
    assert [call.name for call in calls] == case["tools"].split()
    for call in calls:  # what one made, the next works on
        if call.name == "transcribe" and "/tmp/" not in case["request"]:
            assert call.arguments["audio"] == SOUND
        assert not {"run_id", "voice", "include_domains"} & call.arguments.keys()
    assert all(RESULTS[call.name].split(".")[0][:20] in text for call in calls)


def test_most_requests_are_planned_with_tools_of_other_names_as_well():
    """Matching is by words, so other names and descriptions are understood less often."""
    cases = [*REQUESTS["tuned"], *REQUESTS["checked"]]
    right = [
        [NAMES[call.name] for call in planned(case["request"], list(THEIRS.values()))[0]]
        == case["tools"].split()
        for case in cases
    ]
    assert sum(right) >= 0.8 * len(cases), [
        case["request"] for case, fine in zip(cases, right, strict=True) if not fine
    ]


def arguments(request: str) -> dict[str, dict[str, Any]]:
    return {call.name: call.arguments for call in planned(request)[0]}


def test_what_was_found_is_drawn_and_read():
    made = arguments("Look up the founder of Nano, draw him in a blue suit, and read it aloud.")
    assert made["search_web"] == {"query": "the founder of Nano"}
    assert made["generate_image"]["prompt"] == f"the founder of Nano in a blue suit: {FACT}"
    assert made["speak"] == {"text": FACT}


def test_a_picture_becomes_a_film_and_is_changed():
    made = arguments("Draw a red fox in the snow, then make a short video of it.")
    assert made["generate_video"] == {"prompt": "a red fox in the snow", "image": PICTURE}
    made = arguments("Draw a boat. Then edit the picture so that it has a red sail.")
    assert made["edit_image"]["image"] == PICTURE


def test_what_belongs_to_another_step_stays_there():
    made = arguments("Draw a red fox and then make a video of a waterfall.")
    assert made["generate_video"] == {"prompt": "a waterfall"}


def test_sites_are_taken_as_told():
    made = arguments("Search only wikipedia.org for honey, not example.com")["search_web"]
    assert made["include_domains"] == ["wikipedia.org"]
    assert made["exclude_domains"] == ["example.com"]


def test_costs_are_added_up_if_asked_for():
    request = "Draw a fox, read 'Here is a fox' aloud, and tell me what it all cost."
    assert planned(request)[1].endswith("- Together, these calls cost 0.0092 USD.")
    assert "Together" not in planned("Draw a fox and read 'Here is a fox' aloud.")[1]


@pytest.mark.parametrize(
    ("request_", "kind"),
    [
        ("What would a picture cost?", "image"),
        ("How expensive would it be to paint a horse?", "image"),
        ("Could you estimate what it would cost to narrate a page?", "speech"),
        ("Tell me the cost of transcribing one minute of audio.", "transcription"),
        ("How much will a film cost me?", "video"),
    ],
)
def test_the_kind_of_work_is_estimated_and_nothing_is_made(request_: str, kind: str):
    ((name, given),) = [(call.name, call.arguments) for call in planned(request_)[0]]
    assert (name, given["kind"]) == ("estimate_cost", kind)


@pytest.mark.parametrize(
    "end",
    ["report what everything cost", "tell me how much we spent", "add up what all of that cost"],
)
def test_what_was_spent_is_added_up_and_not_foretold(end: str):
    made, text = planned(f"Draw a fox, say 'A fox' aloud, and {end}.")
    assert "estimate_cost" not in {call.name for call in made}
    assert text.endswith("- Together, these calls cost 0.0092 USD.")


def test_a_change_is_told_in_the_words_of_the_request():
    made = arguments("Estimate what a picture costs, draw a blue boat, then make the boat red.")
    assert made["edit_image"] == {"prompt": "make the boat red", "image": PICTURE}
    made = arguments("Draw a cat. Edit the picture you drew so that it wears a hat.")
    assert "wears a hat" in made["edit_image"]["prompt"]


@pytest.mark.parametrize(
    ("first", "then", "tool_", "field", "file"),
    [
        ("Draw a boat.", "Now make it blue.", "edit_image", "image", PICTURE),
        ("Draw a cat.", "Edit the picture you drew: a hat.", "edit_image", "image", PICTURE),
        ("Draw a cat.", "Change its colour to green.", "edit_image", "image", PICTURE),
        ("Say 'good day' aloud.", "Turn that back into words.", "transcribe", "audio", SOUND),
    ],
)
@pytest.mark.parametrize("keeps_calls", [True, False])
def test_a_later_turn_works_on_the_last_file(
    first: str, then: str, tool_: str, field: str, file: str, *, keeps_calls: bool
):
    (made,) = ask(first, tools=OURS).tool_calls
    heard = called(made, "call-1", RESULTS[made.name]) if keeps_calls else []
    messages = [user(first), *heard, assistant(RESULTS[made.name]), user(then)]
    ((name, given),) = calls(ask(messages, tools=OURS))
    assert (name, given[field]) == (tool_, file)


@pytest.mark.parametrize("request_", ["Edit the picture you drew.", "Put the audio into words."])
def test_no_word_is_taken_for_a_file(request_: str):
    assert planned(request_)[0] == []


def test_foretelling_is_for_those_who_ask_ahead():
    names = [call.name for call in planned("How much would it cost to draw a cat?")[0]]
    assert names == ["estimate_cost"]
