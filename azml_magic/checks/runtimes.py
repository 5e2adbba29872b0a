"""The cloud's interpreters: their Python and their packages.

``classic`` is Anaconda 4.0 with Python 3.5, its default. The interpreter is known, but its
packages are not confirmed, so their versions are reported as "about". ``designer`` is known from
the metadata of its packages (Python 3.8) and its documented list.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from azml_magic.checks.words import words
from azml_magic.contract.profile import Profile

Version = tuple[int, ...]


@dataclass(frozen=True)
class Runtime:
    """The interpreter of a profile.

    Attributes
    ----------
    title : str
        Its name, for messages.
    python : tuple of int
        Version of Python.
    is_exact : bool
        Whether the versions of the packages are confirmed.
    packages : mapping of str to str
        Version by import name; empty for a package that exists, or may exist, in an unknown
        version.
    """

    title: str
    python: Version
    is_exact: bool
    packages: Mapping[str, str]

    def version_text(self, package: str) -> str:
        """Return a package's version for messages, for example ``"about 0.18"``."""
        known = self.packages.get(package, "")
        return known if self.is_exact else f"about {known}"


_UNVERSIONED = {
    "classic": """
        IPython OpenSSL PIL Crypto Cython PyQt4 alabaster argcomplete astropy azureml babel
        binstar_client bitarray blaze bokeh boto bottleneck bs4 cffi cloudpickle colorama
        configobj cryptography cycler cytoolz dask datashape dateutil decorator dill docutils
        et_xmlfile flask gevent greenlet h5py heapdict html5lib idna ipykernel ipywidgets
        itsdangerous jdcal jedi jinja2 joblib jsonschema jupyter llvmlite locket lxml markupsafe
        mistune mpmath multipledispatch nbconvert nbformat networkx nltk nose notebook numba
        numexpr odo openpyxl partd patsy pep8 pip ply psutil py pyasn1 pycparser pyflakes
        pygments pyparsing pyreadline pytest pytz pywintypes qtconsole requests rope seaborn
        setuptools simplegeneric six skimage snowballstemmer sphinx sqlalchemy statsmodels
        sympy tables terminado toolz tornado traitlets unicodecsv werkzeug wheel win32api
        win32com xlrd xlsxwriter xlwings xlwt yaml zmq
    """,
    "designer": """
        OpenSSL _cffi_backend adal applicationinsights attr azure azureml backports cachetools
        certifi cffi chardet cloudpickle configparser contextlib2 cryptography cycler dateutil
        dill distro docker docutils fuse google gunicorn idna isodate itsdangerous jeepney
        jmespath jsonpickle kiwisolver markupsafe more_itertools msal msrest msrestazure ndg
        oauthlib pathspec pip pkg_resources portalocker pyasn1 pycparser Cryptodome jwt
        pyparsing pyrsistent pytz requests_oauthlib rsa ruamel s3transfer secretstorage
        setuptools smart_open urllib3 websocket werkzeug wheel
    """,
}

RUNTIMES = {
    "classic": Runtime(
        "Anaconda 4.0",
        (3, 5),
        False,
        {
            **dict.fromkeys(words(_UNVERSIONED["classic"]), ""),
            "matplotlib": "1.5",
            "mpl_toolkits": "",
            "numpy": "1.10",
            "pandas": "0.18",
            "pylab": "",
            "scipy": "0.17",
            "sklearn": "0.17",
        },
    ),
    "designer": Runtime(
        "the designer's environment",
        (3, 8),
        True,
        {
            **dict.fromkeys(words(_UNVERSIONED["designer"]), ""),
            "arff": "2.4.0",
            "boto3": "1.12.29",
            "botocore": "1.15.29",
            "click": "7.1.1",
            "flask": "1.0.3",
            "gensim": "3.8.1",
            "imblearn": "0.4.3",
            "jinja2": "2.11.1",
            "joblib": "0.14.0",
            "jsonschema": "3.0.1",
            "lightgbm": "2.2.3",
            "matplotlib": "3.1.3",
            "mpl_toolkits": "",
            "nimbusml": "1.6.1",
            "numpy": "1.19.1",
            "pandas": "1.0.5",
            "pyarrow": "14.0.1",
            "pylab": "",
            "requests": "2.23.0",
            "scipy": "1.5.3",
            "six": "1.14.0",
            "sklearn": "0.22.2",
        },
    ),
}

_DISTRIBUTIONS = {
    "arff": "liac-arff",
    "bs4": "beautifulsoup4",
    "imblearn": "imbalanced-learn",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
}


def runtime_of(profile: Profile) -> Runtime:
    """Return the interpreter of a profile."""
    return RUNTIMES[profile.name]


def distribution(package: str) -> str:
    """Return the name of the distribution that provides a package."""
    return _DISTRIBUTIONS.get(package, package)


def as_version(text: str) -> Version:
    """Parse a version such as ``(1, 0, 5)``; empty for an empty text."""
    numbers = []
    for part in text.split("."):
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        if not digits:
            break
        numbers.append(int(digits))
    return tuple(numbers)
