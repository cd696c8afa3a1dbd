"""The table of the conformance kit: it has every invariant, all of which hold for `NanoGPT`."""

from __future__ import annotations

from tests.conformance.llama_index.kit import invariants
from tests.peers import llama_index_kit
from tests.peers.compare import ours_in_the_table


def test_the_table_has_every_invariant_and_ours_all_hold():
    # That they do hold is what tests/conformance/llama_index/test_nanogpt.py shows.
    assert ours_in_the_table(llama_index_kit) == dict.fromkeys(invariants().values(), "holds")


def test_every_invariant_is_one_sentence_of_its_own():
    sentences = list(invariants().values())
    assert len(set(sentences)) == len(sentences) > 40
    assert all(s.endswith(".") and "\n" not in s and " | " not in s for s in sentences)
