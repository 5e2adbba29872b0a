"""The snippets and their battery are imported by name, as the battery's own process does."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
