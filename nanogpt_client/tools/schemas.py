"""What a model can ask of each tool: pydantic schemas whose descriptions it reads."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

# Programs may pass bytes; a model is told of texts alone.
FileArgument = Annotated[str | bytes, WithJsonSchema({"type": "string"})]

_FILE = "name of a file that an earlier tool made, its path, or an http(s) URL"


class Arguments(BaseModel):
    """The base of all schemas: an argument that is not known is refused by name."""

    model_config = ConfigDict(extra="forbid")


class ImageArguments(Arguments):
    """Draw pictures."""

    prompt: str = Field(description="What the picture shows, in plain words.")
    size: str | None = Field(None, description="WIDTHxHEIGHT in pixels, e.g. 1024x1024.")
    n: int = Field(1, ge=1, description="How many pictures.")
    seed: int | None = Field(None, description="The same seed draws the same picture again.")


class EditArguments(Arguments):
    """Change a picture."""

    prompt: str = Field(description="What to change, in plain words.")
    image: FileArgument = Field(description=f"The picture to change: {_FILE}.")
    mask: FileArgument | None = Field(
        None, description=f"Where to change it, as a picture of the same size: {_FILE}."
    )
    strength: float | None = Field(
        None, ge=0, le=1, description="0 keeps the picture, 1 draws it anew."
    )
    size: str | None = Field(None, description="WIDTHxHEIGHT in pixels, e.g. 1024x1024.")
    seed: int | None = Field(None, description="The same seed makes the same change again.")


class SpeechArguments(Arguments):
    """Read a text aloud."""

    text: str = Field(description="The text to read aloud.")
    voice: str | None = Field(None, description="Name of a voice of the model.")
    speed: float | None = Field(None, ge=0.25, le=4, description="1 is the normal speed.")
    instructions: str | None = Field(None, description="How to speak, e.g. calmly.")


class TranscriptionArguments(Arguments):
    """Write down a recording."""

    audio: FileArgument = Field(description=f"The recording: {_FILE}.")
    language: str | None = Field(None, description="Its language as a code, e.g. en.")
    diarize: bool | None = Field(None, description="Whether to tell speakers apart.")


class VideoArguments(Arguments):
    """Make a video, or ask for one that is being made."""

    prompt: str | None = Field(None, description="What the video shows, in plain words.")
    duration: float | None = Field(None, gt=0, description="Length in seconds, e.g. 5.")
    aspect_ratio: str | None = Field(None, description="E.g. 16:9.")
    image: FileArgument | None = Field(None, description=f"The first picture: {_FILE}.")
    run_id: str | None = Field(
        None,
        description="Only to fetch a video that was ordered before: the run id that was told then.",
    )


class SearchArguments(Arguments):
    """Search the web."""

    query: str = Field(description="What to search for.")
    output: Literal["results", "answer", "structured"] = Field(
        "results",
        description="results: pages with excerpts; answer: one answer with its sources; "
        "structured: an object that follows answer_schema.",
    )
    answer_schema: dict[str, Any] | None = Field(
        None, description="JSON schema of a structured answer; only with output=structured."
    )
    max_results: int | None = Field(None, ge=1, description="How many results at most.")
    from_date: str | None = Field(None, description="Only pages since this day, YYYY-MM-DD.")
    to_date: str | None = Field(None, description="Only pages until this day, YYYY-MM-DD.")
    include_domains: list[str] | None = Field(None, description="Only these sites.")
    exclude_domains: list[str] | None = Field(None, description="None of these sites.")


class BalanceArguments(Arguments):
    """Nothing need be said."""


class EstimateArguments(Arguments):
    """Describe the work whose cost is asked for."""

    kind: Literal["chat", "image", "speech", "transcription", "video"] = Field(
        description="The kind of work."
    )
    text: str | None = Field(None, description="chat: the message; speech: the text.")
    size: str | None = Field(None, description="image: WIDTHxHEIGHT in pixels.")
    n: int = Field(1, ge=1, description="image: how many.")
    seconds: float | None = Field(None, gt=0, description="video, transcription: the length.")
    model: str | None = Field(None, description="Id of a model, if another than the usual one.")
