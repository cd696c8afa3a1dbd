"""Paid answers in Redis or Valkey, for the machines of a cluster. Needs the extra ``redis``.

All keys have one hash tag, so that a Redis Cluster has them in one slot. Leases expire by the
server's clock. The server must persist its data: what it forgets is paid for again.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict

from nanogpt_client.account.urls import connected
from nanogpt_client.jobs._backend import States, UnknownRequest

__all__ = ["RedisBackend"]

_PREFIX = "{nanogpt-paid}:"
_ANSWER, _INTENT, _LEASE = f"{_PREFIX}answer:", f"{_PREFIX}intent:", f"{_PREFIX}lease:"
_REQUESTS = f"{_PREFIX}requests"

# A state for each of KEYS, which are those of the answers: answered, busy, lapsed, mine. A request
# may claim twice, as redis-py asks again after a broken connection.
_CLAIM = """
local intent, lease, requests = ARGV[1], ARGV[2], ARGV[3]
local request, about, milliseconds, take_over = ARGV[4], ARGV[5], ARGV[6], ARGV[7] == '1'
local skip, states, mine = tonumber(ARGV[8]), {}, 0
for at, answer in ipairs(KEYS) do
  local state = 'mine'
  local key = intent .. string.sub(answer, skip + 1)
  if redis.call('EXISTS', answer) == 1 then
    state = 'answered'
  else
    local holder = redis.call('GET', key)
    if holder and holder ~= request then
      if redis.call('EXISTS', lease .. holder) == 1 then
        state = 'busy'
      elseif not take_over then
        state = 'lapsed'
      end
    end
    if state == 'mine' then
      redis.call('SET', key, request)
      mine = mine + 1
    end
  end
  states[at] = state
end
if mine > 0 then
  redis.call('SET', lease .. request, '1', 'PX', milliseconds)
  redis.call('HSET', requests, request, mine .. ' ' .. about)
end
return states
"""
# Removes the intents (KEYS) that are still the request's own.
_REMOVE = """
for _, key in ipairs(KEYS) do
  if redis.call('GET', key) == ARGV[1] then
    redis.call('DEL', key)
  end
end
"""
_MOST = 2_048  # answers in one reply


class RedisBackend:
    """Answers as strings, intents as strings with the request's id, leases as keys that expire."""

    def __init__(self, url: str) -> None:
        self._redis, self.errors = connected(url, "a store", "store")
        self._claim = self._redis.register_script(_CLAIM)
        self._remove = self._redis.register_script(_REMOVE)

    def get(self, keys: Sequence[str]) -> dict[str, bytes]:
        """Return the stored answers, by key."""
        answers: dict[str, bytes] = {}
        for start in range(0, len(keys), _MOST):
            part = keys[start : start + _MOST]
            values = self._redis.mget([_ANSWER + key for key in part])
            answers |= {key: value for key, value in zip(part, values, strict=True) if value}
        return answers

    def claim(
        self, request: UnknownRequest, keys: Sequence[str], lease: float, *, take_over: bool
    ) -> States:
        """Write the intents in one script, which no other client can come between."""
        about = {name: value for name, value in asdict(request).items() if name != "items"}
        found = self._claim(
            keys=[_ANSWER + key for key in keys],
            args=[
                _INTENT, _LEASE, _REQUESTS, request.id, json.dumps(about), _milliseconds(lease),
                int(take_over), len(_ANSWER),
            ],
        )  # fmt: skip
        by_state: dict[bytes, list[str]] = {}
        for key, state in zip(keys, found, strict=True):
            by_state.setdefault(state, []).append(key)
        answers = self.get(by_state.get(b"answered", []))
        mine, busy, lapsed = (by_state.get(name, []) for name in (b"mine", b"busy", b"lapsed"))
        return States(mine, busy, lapsed, answers)

    def put(self, request: str, answers: Mapping[str, bytes]) -> None:
        """Store the answers and remove the request, in one transaction."""
        with self._redis.pipeline(transaction=True) as pipe:
            pipe.mset({_ANSWER + key: value for key, value in answers.items()})
            pipe.delete(*(_INTENT + key for key in answers), _LEASE + request)
            pipe.hdel(_REQUESTS, request)
            pipe.execute()

    def release(self, request: str, keys: Sequence[str], *, unknown: bool) -> None:
        """End the lease; unless the outcome is unknown, remove the request."""
        if not unknown:
            self._remove(keys=[_INTENT + key for key in keys], args=[request])
            self._redis.hdel(_REQUESTS, request)
        self._redis.delete(_LEASE + request)

    def renew(self, requests: Collection[str], lease: float) -> None:
        """Extend the leases, but not of requests that were released meanwhile."""
        with self._redis.pipeline(transaction=False) as pipe:
            for request in requests:
                pipe.pexpire(_LEASE + request, _milliseconds(lease))
            pipe.execute()

    def unknown(self) -> list[UnknownRequest]:
        """Return the requests whose lease is over."""
        rows = self._redis.hgetall(_REQUESTS)
        with self._redis.pipeline(transaction=False) as pipe:
            for request in rows:
                pipe.exists(_LEASE + request.decode())
            alive = pipe.execute()
        gone = [about for about, lives in zip(rows.values(), alive, strict=True) if not lives]
        return sorted(map(_unknown, gone), key=lambda request: request.started_at)

    def close(self) -> None:
        """Close the connections."""
        self._redis.close()


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))


def _unknown(row: bytes) -> UnknownRequest:
    items, _, about = row.partition(b" ")
    return UnknownRequest(items=int(items), **json.loads(about))
