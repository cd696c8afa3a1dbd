"""The tools that synthesize and transcribe speech."""

from __future__ import annotations

from dataclasses import asdict

from nanogpt_client._media.files import seconds_of
from nanogpt_client._protocol.steps import Flow
from nanogpt_client.endpoints import batch, transcription
from nanogpt_client.errors import InvalidArgumentError
from nanogpt_client.tools import files
from nanogpt_client.tools.approval import require_approval
from nanogpt_client.tools.results import ToolResult, media_artifact, price
from nanogpt_client.tools.schemas import SpeechArguments, TranscriptionArguments
from nanogpt_client.tools.settings import SpeechToolSettings, TranscriptionToolSettings
from nanogpt_client.types.media import Transcript
from nanogpt_client.types.progress import OnProgress


def speak(
    settings: SpeechToolSettings, arguments: SpeechArguments, on_progress: OnProgress | None
) -> Flow[ToolResult]:
    """Synthesize a text, also a long one, into one audio file."""
    yield from files.prepare_output(settings)
    text, voice = arguments.text, arguments.voice or settings.voice
    if len(text) > settings.max_characters:
        raise InvalidArgumentError(
            f"the text has {len(text)} characters; the limit is {settings.max_characters} per call",
            param="text",
        )
    yield from require_approval(settings, "speak", arguments, "tts", text=text)
    speech = yield from batch.speak_long(
        text,
        model=settings.model,
        voice=voice,
        speed=arguments.speed,
        instructions=arguments.instructions,
        response_format=settings.audio_format,
        on_progress=on_progress,
    )
    saved = yield from files.save_result(settings, "speech", speech.bytes, speech.mime_type)
    artifact = media_artifact("speech", settings.model, speech.billing) | {
        "voice": voice,
        "url": speech.url,
        **files.file_artifact(settings, saved),
    }
    done = f"Synthesized {len(text)} characters{price(speech.billing)}."
    return ToolResult(f"{done} {saved.describe(speech.url)}", artifact)


def transcribe(
    settings: TranscriptionToolSettings,
    arguments: TranscriptionArguments,
    on_progress: OnProgress | None,
) -> Flow[ToolResult]:
    """Transcribe a recording; the text is what was said."""
    audio = yield from files.read_input(settings, arguments.audio)
    seconds = seconds_of(audio) if isinstance(audio, bytes) else None
    yield from require_approval(settings, "transcribe", arguments, "stt", seconds=seconds)
    transcript = yield from transcription.transcribe(
        audio,
        model=settings.model,
        language=arguments.language or settings.language,
        diarize=arguments.diarize,
        on_progress=on_progress,
    )
    artifact = media_artifact("transcription", settings.model, transcript.billing) | {
        "text": transcript.text,
        "language": transcript.language,
        "duration": transcript.duration,
        "segments": [asdict(segment) for segment in transcript.segments],
        "words": list(transcript.words),
    }
    return ToolResult(_said(transcript, by_speaker=bool(arguments.diarize)), artifact)


def _said(transcript: Transcript, *, by_speaker: bool) -> str:
    if not transcript.text.strip():
        return "The recording has no speech."
    segments = transcript.segments
    if by_speaker and any(segment.speaker for segment in segments):
        return "\n".join(f"{segment.speaker or 'unknown'}: {segment.text}" for segment in segments)
    return transcript.text
