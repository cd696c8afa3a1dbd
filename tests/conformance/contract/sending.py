"""Each documented request, asked of the core and of both adapters: what would go out?

A sender returns the request that the product made of an example's body; `expected` says what must
be in it: the body as the page has it, but for what `expected` names, once. Nothing is sent.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from langchain_core.messages import convert_to_messages
from llama_index.core.base.llms.types import (
    CacheControl,
    CachePoint,
    ChatMessage,
    ContentBlock,
    ImageBlock,
    TextBlock,
    ToolCallBlock,
    VideoBlock,
)

from langchain_nanogpt import ChatNanoGPT, NanoGPTEmbeddings
from llama_index_nanogpt import NanoGPT, NanoGPTEmbedding
from nanogpt_client import ImageOptions, SpeechOptions, VideoOptions, WebSearchOptions
from nanogpt_client._protocol.call import Request
from nanogpt_client._protocol.payments import without_stream
from nanogpt_client.endpoints import (
    account,
    batches,
    chat,
    embeddings,
    images,
    memory,
    moderation,
    pages,
    search,
    speech,
    transcription,
    video,
    voices,
)
from nanogpt_client.types import batches as batches_types
from nanogpt_client.types.billing import Billing
from nanogpt_client.types.options import (
    ChatOptions,
    MemoryOptions,
    TranscriptionOptions,
    VoiceCloneOptions,
)
from nanogpt_client.types.voices import VoiceJob, VoiceProvider
from tests.conformance.contract.examples import Example
from tests.support.driving import first_call, reply
from tests.unit.langchain_nanogpt.replies import Wire

# A picture and a sound for where the pages write "...": no more than their first bytes.
PICTURE = b"\x89PNG\r\n\x1a\n"
PICTURE_AT = "https://example.com/photo.png"
PICTURE_URL = "data:image/png;base64,iVBORw0KGgo="
_ALIASES = {"/images/edit": "/images/edits"}  # one route under two names (page image-edits)
CHATS = {"chat", "message", "part", "caching", "fragment"}
HELLO = {"role": "user", "content": "Hello"}
MODEL = "openai/gpt-5.2"
KEY = "sk-nano-of-the-test"


@dataclass(frozen=True)
class Going:
    """What would go out: a JSON body, or a form and its files' names; its headers, and where to."""

    body: Any
    headers: Mapping[str, str]
    path: str


Compared = tuple[str, Any, Any]


def compared(example: Example, how: str) -> Iterator[Compared]:
    """Yield who sends an example's request, what would go out, and what must."""
    if how in CHATS:
        body = whole_chat(example, how)
        for who, ask in _CHATS.items():
            yield from _both(who, ask(body, example.headers), example, expected_chat(body))
    elif how == "embeddings":
        for who, embed in _EMBEDDINGS.items():
            yield from _both(who, embed(example.body), example, expected_embeddings(example.body))
    else:
        yield from _both("core", core(how, example), example, expected(how, example))


def _both(who: str, going: Going, example: Example, right: Any) -> Iterator[Compared]:
    yield who, canonical(going.body), canonical(right)
    headers = {name.lower(): value for name, value in going.headers.items()}
    route = _ALIASES.get(example.route, example.route)
    yield who, going.path[-len(route) :] if route else "", route
    yield who, {name: headers.get(name) for name in example.headers}, example.headers


def canonical(value: Any) -> str:
    """Return JSON with its keys in order and each number in one form."""
    return json.dumps(_plain(value), sort_keys=True, ensure_ascii=False)


def _plain(value: Any) -> Any:
    match value:
        case {"name": str(), "arguments": str(arguments)}:  # JSON as well, which LangChain reads
            return {**value, "arguments": canonical(json.loads(arguments))}
        case dict():
            return {key: _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case float() if value.is_integer():
            return int(value)
    return value


def filled(body: dict[str, Any]) -> dict[str, Any]:
    """Return a body with what its page leaves out: variables of a program, ``[]`` messages."""
    given = dict(body)
    if given.get("messages") in ([], "<messages>"):
        given["messages"] = [HELLO]
    if given.get("stream") == "<stream>":
        given["stream"] = True
    if given.get("urls") == "<urls>":
        given["urls"] = ["https://example.com/article"]
    for name in given.keys() & {"imageUrl", "imageDataUrl"}:
        if given[name].startswith("<"):
            given[name] = {"imageUrl": PICTURE_AT, "imageDataUrl": PICTURE_URL}[name]
    return given


# --- chat


def whole_chat(example: Example, how: str) -> dict[str, Any]:
    """Return a chat's whole body for an example that may be a part of one."""
    body = example.body
    match how:
        case "message":
            call = {"id": body.get("tool_call_id"), "type": "function",
                    "function": {"name": "lookup_weather", "arguments": "{}"}}  # fmt: skip
            asked = {"role": "assistant", "content": None, "tool_calls": [call]}
            before = [HELLO, asked] if body["role"] == "tool" else [HELLO]
            return {"model": MODEL, "messages": [*before, body]}
        case "part":
            content = [body, {"type": "text", "text": "And?"}]
            return {"model": MODEL, "messages": [{"role": "user", "content": content}]}
        case "caching":
            return {"model": MODEL, "messages": [HELLO], "prompt_caching": body}
    return filled({"model": MODEL, "messages": [HELLO], **body})


def options_of(body: Mapping[str, Any], kind: Any, names: Mapping[str, str]) -> dict[str, Any]:
    """Return a body's fields as our options; what has no option is an ``extra_body``."""
    options: dict[str, Any] = {}
    for name, value in body.items():
        option = names.get(name, name)
        if option in kind.__annotations__:
            options[option] = value
        else:
            options.setdefault("extra_body", {})[name] = value
    return options


def chat_options(body: Mapping[str, Any], headers: Mapping[str, str]) -> dict[str, Any]:
    """Return a chat's options, but for ``stream``, which is a method of ours."""
    rest = {name: body[name] for name in body.keys() - {"model", "messages", "stream"}}
    return options_of(rest, ChatOptions, {"webSearch": "web_search"}) | header_options(headers)


def header_options(headers: Mapping[str, str]) -> dict[str, Any]:
    """Return headers as our options; what has no option is an ``extra_headers``."""
    others = dict(headers)
    moderation = others.pop("moderation", None)
    checked = {} if moderation is None else {"moderation": moderation == "true" or moderation}
    return checked | ({"extra_headers": others} if others else {})


def expected_chat(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return what goes out for a chat: its body, and our words that ask for the usage."""
    if body.get("stream") is True:
        more = {"include_usage": True, **(body.get("stream_options") or {})}
        return {**body, "stream_options": more}
    whole = {name: value for name, value in body.items() if name != "stream"}  # false by default
    return {**whole, "include_usage": True}


def core_chat(body: Mapping[str, Any], headers: Mapping[str, str]) -> Going:
    ask = chat.stream_chat if body.get("stream") is True else chat.chat
    call = ask(body["messages"], model=body["model"], **chat_options(body, headers))
    return _going(call.request)


def langchain_chat(body: Mapping[str, Any], headers: Mapping[str, str]) -> Going:
    wire = Kept(Wire({"content": "Hi"}))
    model = ChatNanoGPT(model=body["model"], api_key=KEY, http_client=wire.client())
    options = chat_options(body, headers)
    messages = convert_to_messages(body["messages"])
    if body.get("stream") is True:
        list(model.stream(messages, **options))
    else:
        model.invoke(messages, **options)
    return wire.going()


def llama_index_chat(body: Mapping[str, Any], headers: Mapping[str, str]) -> Going:
    wire = Kept(Wire({"content": "Hi"}))
    llm = NanoGPT(model=body["model"], api_key=KEY, http_client=wire.client())
    options = chat_options(body, headers)
    messages = [llama_message(message) for message in body["messages"]]
    if body.get("stream") is True:
        list(llm.stream_chat(messages, **options))
    else:
        llm.chat(messages, **options)
    return wire.going()


class Kept:
    """Answers an HTTP client's requests by another's rule, and keeps the last."""

    def __init__(self, answers: Any) -> None:
        self.answers = answers
        self.last: httpx.Request | None = None

    def client(self) -> httpx.Client:
        return httpx.Client(transport=httpx.MockTransport(self._answer))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.last = request
        found: httpx.Response = self.answers(request)
        return found

    def going(self) -> Going:
        assert self.last is not None
        return Going(json.loads(self.last.content), dict(self.last.headers), self.last.url.path)


def llama_message(message: Mapping[str, Any]) -> ChatMessage:
    """Return a message as LlamaIndex has it; its parts are blocks there."""
    content = message["content"]
    parts = content if isinstance(content, list) else [{"type": "text", "text": content or ""}]
    blocks: list[ContentBlock] = [block for part in parts for block in _blocks(part)]
    for call in message.get("tool_calls", ()):
        said = call["function"]
        blocks.append(
            ToolCallBlock(
                tool_call_id=call["id"], tool_name=said["name"], tool_kwargs=said["arguments"]
            )
        )
    more = {k: v for k, v in message.items() if k not in {"role", "content", "tool_calls"}}
    return ChatMessage(role=message["role"], blocks=blocks, additional_kwargs=more)


def _blocks(part: Mapping[str, Any]) -> Iterator[ContentBlock]:
    match part["type"]:
        case "text":
            if part["text"]:
                yield TextBlock(text=part["text"])
        case "image_url":
            yield ImageBlock(**part["image_url"])
        case "video_url":
            yield VideoBlock(**part["video_url"])
        case other:
            raise LookupError(f"no block for {other}")
    if control := part.get("cache_control"):
        yield CachePoint(cache_control=CacheControl(**control))


_CHATS = {"core": core_chat, "LangChain": langchain_chat, "LlamaIndex": llama_index_chat}

# --- embeddings


def expected_embeddings(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return what goes out: the texts as a list; vectors are asked for in base64."""
    texts = body["input"] if isinstance(body["input"], list) else [body["input"]]
    return {"encoding_format": "base64", **body, "input": texts}


def core_embeddings(body: Mapping[str, Any]) -> Going:
    return _going(embeddings.embed(body["input"], model=body["model"]).request)


def langchain_embeddings(body: Mapping[str, Any]) -> Going:
    wire = Kept(_vector)
    NanoGPTEmbeddings(model=body["model"], api_key=KEY, http_client=wire.client()).embed_query(
        body["input"]
    )
    return wire.going()


def llama_index_embeddings(body: Mapping[str, Any]) -> Going:
    wire = Kept(_vector)
    NanoGPTEmbedding(
        model_name=body["model"], api_key=KEY, http_client=wire.client()
    ).get_text_embedding(body["input"])
    return wire.going()


_EMBEDDINGS = {
    "core": core_embeddings,
    "LangChain": langchain_embeddings,
    "LlamaIndex": llama_index_embeddings,
}


def _vector(_: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json={"data": [{"index": 0, "embedding": [1.0]}], "model": "m"})


# --- media, search, account


def core(how: str, example: Example) -> Going:
    """Return what the core makes of a request that is no chat."""
    form = example.body.get("__form__")
    body = dict(form) if form is not None else filled(example.body)
    return _going(SENDERS[how](body, example))


def expected(how: str, example: Example) -> Any:
    """Return what must go out for it."""
    form = example.body.get("__form__")
    if form is not None:
        fields = [(name, value.strip('"')) for name, value in form]
        return sorted((n, "a file" if v.startswith("@") else v) for n, v in fields)
    return _EXPECTED.get(how, lambda body: body)(filled(example.body))


def _expected_image(body: dict[str, Any]) -> dict[str, Any]:
    """A source image by URL is fetched and goes as data: the skill document alone takes a URL."""
    if "image" in body:
        body["imageDataUrl"] = PICTURE_URL
        del body["image"]
    return body


def _expected_edit(body: dict[str, Any]) -> list[tuple[str, str]]:
    """An edit goes as a form, with its pictures as files, also where a page has it as JSON."""
    several = [("image[]", "a file") for _ in body.pop("imageDataUrls", ())]
    single = [
        (name, "a file")
        for key, name in (("imageDataUrl", "image"), ("maskDataUrl", "mask"))
        if body.pop(key, None)
    ]
    return sorted([*body.items(), *several, *single])


def _expected_video(body: dict[str, Any]) -> dict[str, Any]:
    """A duration goes as a text, as the page video-generation has it; the skill has a number."""
    return body | ({"duration": str(body["duration"])} if "duration" in body else {})


def _expected_paid_search(body: dict[str, Any]) -> dict[str, Any]:
    """The page x402 alone writes ``max_results``."""
    return {"maxResults" if name == "max_results" else name: v for name, v in body.items()}


def _expected_pages(body: dict[str, Any]) -> dict[str, Any]:
    """What is off by default is not sent."""
    return {name: value for name, value in body.items() if value is not False}


_EXPECTED: dict[str, Callable[[dict[str, Any]], Any]] = {
    "image": _expected_image,
    "image edit": _expected_edit,
    "paid search": _expected_paid_search,
    "video": _expected_video,
    "pages": _expected_pages,
    "paid pages": _expected_pages,
}


def _image(body: dict[str, Any], example: Example) -> Request:
    source = body.pop("image", None) or body.pop("imageDataUrl", None)
    options = options_of(body, ImageOptions, {}) | _headers(example)
    model, prompt = _taken(options, "model"), _taken(options, "prompt")
    flow = images.generate_image(prompt, model=model, image=source, **options)
    call = first_call(flow)
    if call.request.download_limit is not None:
        call = flow.send(PICTURE)
    return _request(call)


def _image_edit(body: dict[str, Any], example: Example) -> Request:
    form = example.body.get("__form__") or ()
    count = len(body.pop("imageDataUrls", ())) or sum(name.startswith("image") for name, _ in form)
    mask = PICTURE if body.pop("maskDataUrl", None) else None
    rest = {k: v.strip('"') for k, v in body.items() if not k.startswith("image")}
    options = options_of(rest, ImageOptions, {})
    model, prompt = _taken(options, "model"), _taken(options, "prompt")
    sources = [PICTURE] * (count or 1)
    return _request(
        first_call(images.edit_image(prompt, model=model, image=sources, mask=mask, **options))
    )


def _speech(body: dict[str, Any], example: Example) -> Request:
    streamed = body.pop("stream", False)
    options = options_of(body, SpeechOptions, {})
    model, text = _taken(options, "model"), _taken(options, "input")
    if streamed:
        return speech.stream_speech(text, model=model, **options).request
    return _first(speech.speak(text, model=model, **options))


def _transcription(body: dict[str, Any], example: Example) -> Request:
    audio = body.pop("file_url", None) or b"ID3 a sound"
    body.pop("file", None)
    options = options_of(body, TranscriptionOptions, {})
    model = _taken(options, "model")
    return _first(transcription.transcribe(audio, model=model, **options))


def _transcription_status(body: dict[str, Any], example: Example) -> Request:
    """Take a job's ticket, which says what the page sends back."""
    return _second(
        transcription.transcribe(b"ID3 a sound", model="m"), {"status": "pending", **body}
    )


def _speech_status(body: dict[str, Any], example: Example) -> Request:
    return _second(speech.speak("Hi", model="m"), {"status": "pending", **body})


def _video(body: dict[str, Any], example: Example) -> Request:
    image = body.pop("imageUrl", None) or body.pop("imageDataUrl", None)
    source = body.pop("videoUrl", None)
    options = options_of(body, VideoOptions, {})
    model, prompt = _taken(options, "model"), _taken(options, "prompt")
    return _first(video.submit_video(prompt, model=model, image=image, video=source, **options))


def _video_extension(body: dict[str, Any], example: Example) -> Request:
    return _first(video.submit_video_extension(body["runId"], index=body["index"]))


def _voice(body: dict[str, Any], example: Example) -> Request:
    names = {
        "customVoiceId": "voice_id", "voiceCloneModel": "clone_model", "text": "preview_text",
        "needNoiseReduction": "reduce_noise", "needVolumeNormalization": "normalize_volume",
        "referenceText": "reference_text",
    }  # fmt: skip
    audio = body.pop("audioUrl")
    options = options_of(body, VoiceCloneOptions, names)
    return _first(voices.submit_voice_clone(audio, provider=_provider(example), **options))


def _voice_status(body: dict[str, Any], example: Example) -> Request:
    job = VoiceJob(body["runId"], _provider(example), "queued", Billing(), raw=body)
    return voices.voice_clone_status(job).request


def _provider(example: Example) -> VoiceProvider:
    return "qwen" if example.under.startswith("Qwen") else "minimax"


def _pages(body: dict[str, Any], example: Example) -> Request:
    return pages.scrape_pages(body["urls"], stealth=body.get("stealthMode", False)).request


def _paid_pages(body: dict[str, Any], example: Example) -> Request:
    return without_stream(_pages(body, example))


def _transcripts(body: dict[str, Any], example: Example) -> Request:
    return pages.youtube_transcripts(body["urls"]).request


def _search(body: dict[str, Any], example: Example) -> Request:
    names = {
        "outputType": "output_type", "includeImages": "include_images", "fromDate": "from_date",
        "toDate": "to_date", "includeDomains": "include_domains", "maxResults": "max_results",
        "excludeDomains": "exclude_domains", "structuredOutputSchema": "schema",
    }  # fmt: skip
    options = options_of(body, WebSearchOptions, names)
    if "schema" in options:
        options["schema"] = json.loads(options["schema"])
    query = (options.get("extra_body") or {}).pop("query", "")
    return search.search_web(query, **options).request


def _paid_search(body: dict[str, Any], example: Example) -> Request:
    return without_stream(_search(body, example))


def _deposit(body: dict[str, Any], example: Example) -> Request:
    ticker = example.route.removeprefix("/transaction/create/").removeprefix("daimo/")
    return account.create_deposit(ticker, body["amount"]).request


def _moderation(body: dict[str, Any], example: Example) -> Request:
    return moderation.moderate(body["input"], model=body["model"]).request


def _memory(body: dict[str, Any], example: Example) -> Request:
    messages = body.pop("messages")
    options = options_of(body, MemoryOptions, {}) | _headers(example)
    return memory.compress_memory(messages, **options).request


def _chat_estimate(body: dict[str, Any], example: Example) -> Request:
    return account.estimate_chat_cost(body["messages"], model=body["model"]).request


def _image_estimate(body: dict[str, Any], example: Example) -> Request:
    return account.estimate_image_cost(model=body["model"], size=body["size"]).request


def _batch_file(body: dict[str, Any], example: Example) -> Request:
    return _first(batches.submit([_ROWS[batches_types.CHAT]], inline=False))


def _batch(body: dict[str, Any], example: Example) -> Request:
    """Take the uploaded file, which the page names."""
    flow = batches.submit([_ROWS[body["endpoint"]]], endpoint=body["endpoint"], inline=False)
    return _second(flow, {"id": body["input_file_id"]})


def _inline_batch(body: dict[str, Any], example: Example) -> Request:
    more = {"endpoint": body["endpoint"], "model": body["model"]}
    return _first(batches.submit(body["requests"], **more))


_ROWS: dict[str, dict[str, Any]] = {
    batches_types.CHAT: {"body": {"model": MODEL, "messages": [HELLO], "max_tokens": 9}},
    batches_types.RESPONSES: {"body": {"model": MODEL, "input": "Hi", "max_output_tokens": 16}},
}


SENDERS: dict[str, Callable[[dict[str, Any], Example], Request]] = {
    "image": _image,
    "image edit": _image_edit,
    "speech": _speech,
    "speech status": _speech_status,
    "transcription": _transcription,
    "transcription status": _transcription_status,
    "video": _video,
    "video extension": _video_extension,
    "voice": _voice,
    "voice status": _voice_status,
    "pages": _pages,
    "paid pages": _paid_pages,
    "transcripts": _transcripts,
    "batch file": _batch_file,
    "batch": _batch,
    "inline batch": _inline_batch,
    "search": _search,
    "paid search": _paid_search,
    "moderation": _moderation,
    "memory": _memory,
    "deposit": _deposit,
    "chat estimate": _chat_estimate,
    "image estimate": _image_estimate,
}


def _headers(example: Example) -> dict[str, Any]:
    return header_options(example.headers)


def _taken(options: dict[str, Any], name: str) -> Any:
    """Take what is an argument of its own out of the options, where all went that is no option."""
    more = options.get("extra_body", {})
    value = more.pop(name, "")
    if not more:
        options.pop("extra_body", None)
    return value


def _first(flow: Any) -> Request:
    return _request(first_call(flow))


def _second(flow: Any, ticket: dict[str, Any]) -> Request:
    """Return what is asked once a job's ticket has come."""
    step = flow.send(first_call(flow).parse(reply(ticket, 202)))
    while not hasattr(step, "request"):
        step = flow.send(None)
    return _request(step)


def _request(step: Any) -> Request:
    request: Request = step.request
    return request


def _going(request: Request) -> Going:
    if request.form is not None:
        files = [(name, "a file") for name, _ in request.files]
        return Going(sorted([*request.form.items(), *files]), request.headers, request.path)
    path = f"/beta{request.path}" if request.root == "beta" else request.path
    body = dict(request.query) if request.content is None else json.loads(request.content)
    return Going(body, request.headers, path)
