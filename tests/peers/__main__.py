"""Write the tables that compare integrations: ``make compare``."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.peers import langchain_table, llama_index_kit, llama_index_table
from tests.peers.compare import compare, what_others_lose
from tests.support import tables

COMPARISONS = (langchain_table, llama_index_table)

if __name__ == "__main__":
    for comparison in (*COMPARISONS, llama_index_kit):
        compare(comparison, Path(sys.argv[1]))
    tables.write("lost", what_others_lose())
