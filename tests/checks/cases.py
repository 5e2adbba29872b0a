"""What the tables of findings share: reading a source, and writing a short one."""

from azml_magic.checks import check
from azml_magic.contract.profile import get_profile
from azml_magic.module.module import Module

BOTH = ("classic", "designer")
CLASSIC, DESIGNER = ("classic",), ("designer",)


def found(source, profile="classic", **around):
    """Return the findings but the one about versions, which depends on what is installed."""
    findings = check(Module.from_source(source), get_profile(profile), **around)
    return [finding for finding in findings if finding.code != "AZ611"]


def codes(source, profile="classic", **around):
    return [finding.code for finding in found(source, profile, **around)]


def main(*lines, returns="return frame,"):
    """Return a module of one function, whose lines count from 2."""
    body = "".join(f"    {line}\n" for line in (*lines, returns) if line)
    return f"def azureml_main(frame):\n{body}"


def with_pandas(*lines, returns="return frame,"):
    """Return the same below an import; its lines count from 3."""
    return "import pandas as pd\n" + main(*lines, returns=returns)
