"""The arguments of each tool: pydantic schemas whose descriptions a model reads."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

# Programs may pass bytes; a model only reads of strings.
FileArgument = Annotated[str | bytes, WithJsonSchema({"type": "string"})]

_FILE = "name of a file that an earlier tool made, its path, or an http(s) URL"


class Arguments(BaseModel):
    """Base of all schemas; unknown arguments are refused by name."""

    model_config = ConfigDict(extra="forbid")


class ImageArguments(Arguments):
    """Generate images."""

    prompt: str = Field(description="What the image shows, in plain words.")
    size: str | None = Field(default=None, description="WIDTHxHEIGHT in pixels, e.g. 1024x1024.")
    n: int = Field(default=1, ge=1, description="Number of images.")
    seed: int | None = Field(default=None, description="The same seed gives the same image again.")


class EditArguments(Arguments):
    """Edit an image."""

    prompt: str = Field(description="What to change, in plain words.")
    image: FileArgument = Field(description=f"The image to edit: {_FILE}.")
    mask: FileArgument | None = Field(
        default=None, description=f"Where to edit it, as an image of the same size: {_FILE}."
    )
    strength: float | None = Field(
        default=None, ge=0, le=1, description="0 keeps the image, 1 generates it anew."
    )
    size: str | None = Field(default=None, description="WIDTHxHEIGHT in pixels, e.g. 1024x1024.")
    seed: int | None = Field(default=None, description="The same seed gives the same image again.")


class SpeechArguments(Arguments):
    """Read a text aloud, also a long one."""

    text: str = Field(description="The text to read aloud.")
    voice: str | None = Field(default=None, description="Name of one of the model's voices.")
    speed: float | None = Field(default=None, ge=0.25, le=4, description="1 is the normal speed.")
    instructions: str | None = Field(default=None, description="How to speak, e.g. calmly.")


class TranscriptionArguments(Arguments):
    """Transcribe a recording."""

    audio: FileArgument = Field(description=f"The recording: {_FILE}.")
    language: str | None = Field(default=None, description="Code of its language, e.g. en.")
    diarize: bool | None = Field(default=None, description="Whether to label the speakers.")


class VideoArguments(Arguments):
    """Generate a video, or fetch an earlier one by its run_id."""

    prompt: str | None = Field(default=None, description="What the video shows, in plain words.")
    duration: float | None = Field(default=None, gt=0, description="Length in seconds, e.g. 5.")
    aspect_ratio: str | None = Field(default=None, description="E.g. 16:9.")
    image: FileArgument | None = Field(default=None, description=f"The first image: {_FILE}.")
    run_id: str | None = Field(
        default=None, description="Only to fetch an earlier video: the run_id from its result."
    )


class SearchArguments(Arguments):
    """Search the web."""

    query: str = Field(description="What to search for.")
    output: Literal["results", "answer", "structured"] = Field(
        default="results",
        description="results: pages with excerpts; answer: one answer with its sources; "
        "structured: an object that follows answer_schema.",
    )
    answer_schema: dict[str, Any] | None = Field(
        default=None, description="JSON schema of a structured answer; only with output=structured."
    )
    max_results: int | None = Field(default=None, ge=1, description="Most results to return.")
    from_date: str | None = Field(
        default=None, description="Only pages since this day, YYYY-MM-DD."
    )
    to_date: str | None = Field(default=None, description="Only pages until this day, YYYY-MM-DD.")
    include_domains: list[str] | None = Field(default=None, description="Only these sites.")
    exclude_domains: list[str] | None = Field(default=None, description="None of these sites.")


class PageArguments(Arguments):
    """Read a web page."""

    url: str = Field(description="The page's address, http(s)://…; not of YouTube.")


class TranscriptArguments(Arguments):
    """Return the transcript of a YouTube video."""

    url: str = Field(description="E.g. https://www.youtube.com/watch?v=VIDEO_ID.")


class BalanceArguments(Arguments):
    """Return the account's balance, and the address for deposits of Nano."""


class EstimateArguments(Arguments):
    """Estimate the cost of a call, and compare it with the balance."""

    kind: Literal["chat", "image", "speech", "transcription", "video"] = Field(
        description="The kind of call."
    )
    text: str | None = Field(default=None, description="chat: the message; speech: the text.")
    size: str | None = Field(default=None, description="image: WIDTHxHEIGHT in pixels.")
    n: int = Field(default=1, ge=1, description="image: number of images.")
    seconds: float | None = Field(
        default=None, gt=0, description="video, transcription: the length."
    )
    model: str | None = Field(default=None, description="Model id, if not the usual one.")
