"""Write the tables of README.md that compare integrations: ``make compare``."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.peers import langchain_table, llama_index_kit, llama_index_table
from tests.peers.compare import compare

COMPARISONS = (langchain_table, llama_index_table)

if __name__ == "__main__":
    for comparison in (*COMPARISONS, llama_index_kit):
        compare(comparison, Path(sys.argv[1]))
