"""Family ``environment``: network access, size of the script, blocks that never run."""

from __future__ import annotations

import re
from collections.abc import Iterator

from azml_magic.checks.literals import argument, is_address, text_start
from azml_magic.checks.parsed_script import Call, Script
from azml_magic.checks.surroundings import Surroundings
from azml_magic.findings import CODES
from azml_magic.result import Finding

NETWORK = CODES["AZ501"]
TOO_LARGE = CODES["AZ503"]
MAIN_BLOCK = CODES["AZ504"]

SCRIPT_BYTES = 16 * 1024
"""Maximum size of a script in designer, in bytes (rule X1)."""

_NETWORK_MODULES = frozenset(
    {
        "aiohttp",
        "azure.cosmos",
        "azure.cosmosdb",
        "azure.storage",
        "azureml.Workspace",
        "boto",
        "boto3",
        "botocore",
        "ftplib",
        "google.cloud",
        "http.client",
        "httplib2",
        "httpx",
        "imaplib",
        "MySQLdb",
        "paramiko",
        "poplib",
        "psycopg2",
        "pymongo",
        "pymssql",
        "pymysql",
        "pyodbc",
        "redis",
        "requests",
        "smtplib",
        "telnetlib",
        "tweepy",
        "urllib.request",
        "urllib3",
    }
)
# Names in these modules that create an object or an error, but send nothing by themselves.
_QUIET = re.compile(r"\w*(?:Error|Exception|Warning|Retry)$|disable_warnings$|exceptions$")
_FETCHING = re.compile(
    r"nltk\.download$|seaborn\.load_dataset$|sklearn\.datasets\.fetch_\w+$"
    r"|statsmodels\.(?:api\.)?datasets\.get_rdataset$|(?:keras|tensorflow)\..*\.load_data$"
)
_SOCKETS = {"socket.socket", "socket.create_connection", "socket.getaddrinfo"}
_SHELLS = {"os.system", "os.popen", "pip.main"}
_DOWNLOADS = re.compile(r"\s*(?:\S*python\S*\s+-m\s+)?(?:pip3?|conda|curl|wget|git)\s")


def find(script: Script, around: Surroundings) -> Iterator[Finding]:
    """Yield uses of the network (rule W2), oversized scripts (X1) and main blocks (3.11)."""
    if not around.profile.network_in_cloud:
        for call in script.calls:
            what = _network_use(call)
            if what:
                message = f"{what} needs the network, which this profile does not have"
                fix = "pass data in by a port, and packages in the script bundle"
                yield NETWORK.at(call.line, message, fix, "W2")
    size = len(script.source.encode(errors="replace"))
    if around.profile.name == "designer" and size > SCRIPT_BYTES:
        message = f"the script has {size:,} bytes; the designer accepts at most {SCRIPT_BYTES:,}"
        yield TOO_LARGE.at(None, message, "move functions into the script bundle", "X1")
    for line in sorted(script.walk.main_blocks):
        message = 'a module is imported, so its `if __name__ == "__main__"` block never runs'
        yield MAIN_BLOCK.at(line, message, "keep it for local tests, or remove it", "3.11")


def _network_use(call: Call) -> str:
    parts = call.name.split(".", 2)
    is_network = len(parts) > 1 and parts[0] in _NETWORK_MODULES
    is_network |= len(parts) > 2 and ".".join(parts[:2]) in _NETWORK_MODULES
    if _FETCHING.match(call.name):
        return call.name
    if is_network or call.name in _SOCKETS or call.name == "azureml.Workspace":
        return "" if _QUIET.match(call.last_name) else call.name
    start = text_start(argument(call, 0, "filepath_or_buffer", "path", "io", "url"))
    if is_address(start) and (call.last_name.startswith("read_") or call.last_name == "open"):
        return f"{call.last_name} of {start[:60]!r}"
    if call.name in _SHELLS and _DOWNLOADS.match(start):
        return repr(start.strip()[:60])
    return ""
