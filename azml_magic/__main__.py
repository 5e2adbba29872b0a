"""``python -m azml_magic``: the command line, where no ``azml-magic`` is on the search path."""

import sys

from azml_magic.cli.command_line import main

sys.exit(main())
