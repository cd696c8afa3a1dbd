"""An account in Redis or Valkey, for the machines of a cluster.

Each operation is one Lua script, which the server runs alone and by its own clock. The scripts
follow the rules of `State`, and pass the same tests.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from nanogpt_client.account._backend import (
    OTHER_DATA,
    Admission,
    FinishedCall,
    Limits,
    NewCall,
    PauseReason,
    Sums,
)
from nanogpt_client.account._state import LATE, MARGIN, START, WINDOW
from nanogpt_client.account.urls import connected
from nanogpt_client.errors import AccountUnavailableError

__all__ = ["RedisBackend"]

_CONSTANTS = f"local late, start, window = {LATE}, {START}, {WINDOW}"
# Common to all scripts: the state, its rules, and the calls whose workers did not report in time.
_RULES = """
local STATE, IN_FLIGHT, DEADLINES, ENTRIES, LOST = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local id = redis.call('HGET', STATE, 'id')
if ARGV[1] ~= '' and id ~= ARGV[1] then return {'', 'other data'} end
if not id then
  id = ARGV[2]
  if id ~= '' then redis.call('HSET', STATE, 'id', id) end
end
local function number(name) return tonumber(redis.call('HGET', STATE, name) or 0) end
local function seconds(value) return string.format('%.6f', value) end
local function set(name, value) redis.call('HSET', STATE, name, seconds(value)) end
local function add(name, amount) redis.call('HINCRBY', STATE, name, amount) end
local function minus(amount) return amount == '0' and '0' or '-' .. amount end
local seen = number('seen')
if now < seen then  -- the clock was set back
  set('next_slot', number('next_slot') - (seen - now))
  set('paused_until', number('paused_until') - (seen - now))
  set('seen', now)
end
local until_, delay = number('paused_until'), number('delay')
local function queue_time() return math.max(now, until_) - delay end
local function paused()
  return now < until_ and redis.call('HGET', STATE, 'reason') or ''
end
local function wait(slot)
  return seconds(math.max(slot - queue_time(), 0) + math.max(until_ - now, 0))
end
local function sums()
  local values = redis.call('HMGET', STATE, 'spent', 'assumed', 'reserved', 'calls', 'unknown')
  for at = 1, 5 do values[at] = values[at] or '0' end
  values[6] = wait(math.max(number('next_slot'), queue_time()))
  values[7], values[8] = paused(), redis.call('HGET', STATE, 'limits') or ''
  return values
end
local function reservation(text) return string.match(text, '^(%d+) (%d+) (.*)$') end
for _, token in ipairs(redis.call('ZRANGEBYSCORE', DEADLINES, '-inf', '(' .. seconds(now))) do
  local usd, if_unknown, entry = reservation(redis.call('HGET', IN_FLIGHT, token))
  redis.call('ZREM', DEADLINES, token)
  redis.call('HDEL', IN_FLIGHT, token)
  redis.call('HSET', ENTRIES, token, number('ended') .. ' ' .. entry)
  redis.call('HSET', LOST, token, if_unknown)
  add('reserved', minus(usd)); add('assumed', if_unknown); add('unknown', 1); add('ended', 1)
end
"""
_ADMIT = """
local usd, max_calls, interval = ARGV[3], ARGV[4], tonumber(ARGV[5])
local token, est, if_unknown, lease, entry = ARGV[7], ARGV[8], ARGV[9], tonumber(ARGV[10]), ARGV[11]
redis.call('HSET', STATE, 'limits', ARGV[6])
local reason = paused()
if reason == 'daily' then return {id, '', seconds(until_ - now), '0', reason} end
if redis.call('HEXISTS', ENTRIES, token) == 1 then token = '' end  -- abandoned in the meantime
local is_new = token ~= '' and redis.call('HEXISTS', IN_FLIGHT, token) == 0
if is_new then
  local committed = number('spent') + number('assumed') + number('reserved')
  local over = max_calls ~= '' and number('calls') >= tonumber(max_calls)
  over = over or usd ~= '' and committed >= tonumber(usd)
  over = over or usd ~= '' and committed + tonumber(est) > tonumber(usd)
  if over then return {id, 'over', unpack(sums())} end
  add('reserved', est); add('calls', 1)
  redis.call('HSET', IN_FLIGHT, token, est .. ' ' .. if_unknown .. ' ' .. entry)
end
set('seen', now)
local next_slot = number('next_slot')
local slot = math.max(next_slot, queue_time())
if interval > 0 then
  set('next_slot', slot + interval + (slot - next_slot > window and start or 0))
end
local pause = wait(slot)
if token ~= '' then redis.call('ZADD', DEADLINES, seconds(now + pause + lease), token) end
return {id, '', pause, seconds(slot), reason}
"""
_CONFIRM = """
local slot = tonumber(ARGV[3])
local too_late = queue_time() - slot - late
if too_late > 0 then delay = delay + math.min(too_late, window); set('delay', delay) end
return {id, '', wait(slot), ARGV[3], paused()}
"""
_PAUSE = """
set('seen', now)
local ends = now + tonumber(ARGV[3])
if ends > until_ then
  set('delay', delay + ends - math.max(now, until_))
  set('paused_until', ends)
  redis.call('HSET', STATE, 'reason', ARGV[4])
end
return {id, ''}
"""
_FINISH = """
for at = 3, #ARGV, 6 do
  local token, cost, if_unknown, corrects, entry, job = unpack(ARGV, at, at + 5)
  local in_flight = redis.call('HGET', IN_FLIGHT, token)
  local lost = redis.call('HGET', LOST, token)
  if in_flight or lost or redis.call('HEXISTS', ENTRIES, token) == 0 then
    if in_flight then
      add('reserved', minus((reservation(in_flight))))
      redis.call('HDEL', IN_FLIGHT, token); redis.call('ZREM', DEADLINES, token)
    elseif lost then
      add('assumed', minus(lost)); add('unknown', -1); redis.call('HDEL', LOST, token)
      corrects = ''
    end
    if job ~= '' and redis.call('HEXISTS', ENTRIES, job) == 1 then  -- its cost has come already
      cost = '0'
    elseif job ~= '' then
      redis.call('HSET', LOST, job, if_unknown)
    end
    if cost == '' then add('assumed', if_unknown); add('unknown', 1) else add('spent', cost) end
    if corrects ~= '' then add('assumed', minus(corrects)); add('unknown', -1) end
    redis.call('HSET', ENTRIES, token, number('ended') .. ' ' .. entry)
    add('ended', 1)
  end
end
return {id, ''}
"""
_SUMS = "return {id, '', unpack(sums())}"
_PARTS = ("state", "in-flight", "deadlines", "entries", "lost")  # the keys of the scripts


class RedisBackend:
    """See `Backend`. Threads and forked processes may share it: redis-py's pool allows it."""

    def __init__(self, url: str) -> None:
        address, name = _split(url)
        # Braces: a Redis Cluster must hold all keys of an account in one place.
        self._keys = [f"nanogpt:{{{name}}}:{part}" for part in _PARTS]
        self._redis, self._failures = connected(address, "an account", "url", decode_responses=True)
        bodies = (_ADMIT, _CONFIRM, _PAUSE, _FINISH, _SUMS)
        self._admit, self._confirm, self._pause, self._finish, self._sums = (
            self._redis.register_script(_CONSTANTS + _RULES + body) for body in bodies
        )
        self._id = ""  # of the data that this process has seen

    def admit(self, limits: Limits, call: NewCall | None) -> Admission:
        """Reserve a call's amount (once) and a slot in the queue; without a call, only a slot."""
        interval = 0.0 if limits.per_second is None else 1 / (limits.per_second * MARGIN)
        shown = _text(limits.usd), _text(limits.max_calls)
        call = call or NewCall("", 0, 0, 0.0, "")
        result = self._run(self._admit, *shown, interval, json.dumps(limits), *call)
        if result[0] == "over":
            return Admission(0.0, refused=_read_sums(result))
        return _read_admission(result)

    def confirm(self, slot: float) -> Admission:
        """Return how long a slot that was reserved has to wait, now."""
        return _read_admission(self._run(self._confirm, f"{slot:.6f}"))

    def pause(self, seconds: float, reason: PauseReason) -> None:
        """Stop the queue for all workers."""
        self._run(self._pause, seconds, reason)

    def finish(self, calls: Sequence[FinishedCall]) -> None:
        """Replace reservations by costs, and add the ledger entries; each once."""
        arguments: list[Any] = []
        for call in calls:
            amounts = _text(call.cost), call.if_unknown, _text(call.corrects)
            arguments += (call.token, *amounts, call.entry, call.job)
        self._run(self._finish, *arguments)

    def sums(self) -> Sums:
        """Return the sums, after counting lost calls as unknown."""
        return _read_sums(self._run(self._sums))

    def entries(self) -> list[str]:
        """Return the ledger entries as JSON, in the order in which their calls ended."""
        self.sums()  # lists the calls of lost workers
        with self._errors():
            found = dict(self._redis.hscan_iter(self._keys[3], count=1_000))
        numbered = [entry.partition(" ") for entry in found.values()]
        return [entry for _, _, entry in sorted(numbered, key=lambda parts: int(parts[0]))]

    def close(self) -> None:
        """Close connections; they open again when they are needed."""
        self._redis.close()

    def forked(self) -> None:
        """Do nothing: redis-py opens connections of its own in a forked child."""

    def _run(self, script: Any, *arguments: Any) -> list[str]:
        new_id = "" if script in (self._confirm, self._sums) else secrets.token_hex(8)
        with self._errors():
            data, *values = script(self._keys, (self._id, new_id, *arguments))
        result: list[str] = values
        if result[0] == "other data":
            raise AccountUnavailableError(OTHER_DATA)
        self._id = data or self._id
        return result

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except self._failures as error:
            msg = f"the account's Redis cannot be used: {error}"
            raise AccountUnavailableError(msg) from error


def _split(url: str) -> tuple[str, str]:
    """Return the address for redis-py, and the account's name (``?account=…``)."""
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query))
    name = options.pop("account", "default")
    return urlunsplit(parts._replace(query=urlencode(options))), name


def _text(number: int | None) -> str:
    return "" if number is None else str(number)


def _read_admission(result: Sequence[str]) -> Admission:
    _, seconds, slot, paused = result
    return Admission(float(seconds), float(slot), paused)


def _read_sums(result: Sequence[str]) -> Sums:
    _, spent, assumed, reserved, calls, unknown, queued, paused, limits = result
    return Sums(
        int(spent), int(assumed), int(reserved), int(calls), int(unknown),
        float(queued), paused, Limits(*json.loads(limits or "[]")),
    )  # fmt: skip
