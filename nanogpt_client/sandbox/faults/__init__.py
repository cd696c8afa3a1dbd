"""Faults on demand: by the model name `sandbox/fault/<name>`, or by a scenario for the account.

| name | what the client sees |
| --- | --- |
| 400 401 403 405 408 409 413 415 422 500 503 504 | that status in the documented envelope |
| context, policy | 400 `context_length_exceeded`, 400 `content_policy_violation` |
| 402 | `{"error": {...code "insufficient_balance"}}` |
| 402-legacy | `{"error": "Insufficient balance", "status": 402, "requiredBalance": ...}` |
| 402-x402 | the quote with a top-level `payment` |
| 402-memory | code `memory_balance_required` |
| 429 | `rate_limit_exceeded`, Retry-After 1 |
| 429-daily | `daily_rpd_limit_exceeded`, Retry-After until 00:00 UTC |
| 404-html, 502-html, html-200 | a web page with that status |
| json-error-200 | an error object with status 200, also where a stream was asked for |
| json-200 | a whole completion as JSON where a stream was asked for |
| empty-200 | status 200 and no body |
| no-choices | the reply with `choices` (or `data`) empty |
| cut-before | the connection drops before any byte of the answer |
| cut-mid-frame, cut-mid-character | it drops inside a frame, inside one UTF-8 character |
| no-finish | a stream that ends cleanly without finish reason and `[DONE]` |
| no-done | a finished stream without `[DONE]` |
| error-frame | half an answer, a frame with finish reason `error` and an error object, `[DONE]` |
| error-frame-bare | the same without the error object |
| stall-before, stall-mid | silence before the first byte, or halfway |
| stall-keepalive | comments instead of events halfway, then the rest |
| stall-after-finish | silence between the finish frame and `[DONE]` |
| slow | a pause before every frame |
| odd-framing | CRLF, comments, events of several data lines, no last blank line |
| truncated-tool-call | a tool call whose arguments break off |
| leaked-tool-markup | a tool call as markup in the text |
| malformed-json | JSON that breaks off: one frame of a stream, or the whole body |
| job-failed, job-stuck | a queued job that fails, or never finishes |

Faults that replace the reply cost nothing; faults that change a reply are charged like it.
"""

from __future__ import annotations

from nanogpt_client.sandbox.faults.table import NAMES, SCENARIOS, Injector, Scenario

__all__ = ["Injector", "NAMES", "SCENARIOS", "Scenario"]
