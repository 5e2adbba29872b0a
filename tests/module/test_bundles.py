"""Script bundles: what is read, what is refused, and what is told."""

import contextlib
import io
import os
import stat
import struct
import warnings
import zipfile
import zlib

import pytest

from azml_magic.contract.profile import CLASSIC, DESIGNER
from azml_magic.errors import BundleError
from azml_magic.module import entries
from azml_magic.module.bundle import Bundle, importable, read_bundle


def write_zip(path, files, **options):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, **options) as archive:
        for name, content in files if isinstance(files, list) else files.items():
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                archive.writestr(name, content)
    return path


@pytest.fixture
def zipped(tmp_path):
    return lambda files, **options: write_zip(tmp_path / "tools.zip", files, **options)


def info(name, mode=0o100644, **fields):
    entry = zipfile.ZipInfo(name)
    entry.external_attr = mode << 16
    for field, value in fields.items():
        setattr(entry, field, value)
    return entry


def codes(findings):
    return [finding.code for finding in findings]


@pytest.mark.rule("Z4", "Z5", "Z6", "Z8a", profile="both")
@pytest.mark.parametrize("profile", [CLASSIC, DESIGNER])
def test_files_keep_their_folders(zipped, profile):
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("inside.py", "")
    path = zipped({"b/c/x.bin": b"\0\1", "Hello.py": "x = 1", "b/": "", "in.zip": inner.getvalue()})
    bundle, findings = read_bundle(path, profile)
    assert bundle == Bundle(
        "tools.zip", (("Hello.py", b"x = 1"), ("b/c/x.bin", b"\0\1"), ("in.zip", inner.getvalue()))
    )
    assert findings == []
    assert repr(bundle).startswith("<Bundle tools.zip: 3 files")


@pytest.mark.rule("Z8a", profile="both")
def test_an_empty_zip_is_an_empty_bundle(zipped):
    assert read_bundle(zipped({}), CLASSIC) == (Bundle("tools.zip"), [])


@pytest.mark.rule("Z5", "Z8a", profile="both")
def test_importable_names():
    paths = [
        "Hello.py",
        "package/__init__.py",
        "namespace/deep/x.py",
        "src/mymod.py",
        "data/x.csv",
        "fast.cpython-311-x86_64-linux-gnu.so",
        "old.pyc",
        "not-a-name.py",
        "notes.txt",
    ]
    assert importable(paths) == ("Hello", "fast", "namespace", "old", "package", "src")


@pytest.mark.rule("Z7", "L10", profile="both")
@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x05\x06" + b"\xff" * 18, b"PK" * 50])
def test_what_is_no_zip_is_error_0102(tmp_path, content):
    path = tmp_path / "tools.zip"
    path.write_bytes(content)
    with pytest.raises(BundleError, match=r"0102.*Z7.*tools\.zip"):
        read_bundle(path, CLASSIC)


@pytest.mark.rule("Z7", profile="both")
def test_every_damage_is_a_bundle_error_or_harmless(zipped):
    path = zipped({"a/x.py": "x = 1\n" * 50, "b.txt": "text" * 100})
    content = path.read_bytes()
    for position in range(0, len(content), 3):
        damaged = bytearray(content)
        damaged[position] ^= 0xFF
        path.write_bytes(damaged)
        with contextlib.suppress(BundleError):
            bundle, _ = read_bundle(path, DESIGNER)
            assert all(".." not in name and not name.startswith("/") for name, _ in bundle.files)
    for length in range(0, len(content), 17):
        path.write_bytes(content[:length])
        with pytest.raises(BundleError):
            read_bundle(path, CLASSIC)


UNSAFE = [
    "../evil.py",
    "a/../../evil.py",
    "/etc/evil.py",
    "C:\\evil.py",
    "..\\evil.py",
    "C:evil.py",
]


@pytest.mark.rule("Z8", profile="classic")
@pytest.mark.parametrize("name", [*UNSAFE, "\\\\server\\evil.py", "//server/evil.py"])
def test_classic_refuses_paths_that_lead_outside(zipped, name):
    with pytest.raises(BundleError, match=r"Z8.*outside"):
        read_bundle(zipped({name: "x"}), CLASSIC)


@pytest.mark.rule("Z8", profile="designer")
@pytest.mark.parametrize("name", UNSAFE)
def test_designer_cuts_them_to_lie_inside(zipped, name):
    bundle, findings = read_bundle(zipped({name: "x"}), DESIGNER)
    assert [path.split("/")[-1] for path, _ in bundle.files] == ["evil.py"]
    assert ".." not in bundle.files[0][0]
    assert "AZ281" in codes(findings)


def test_backslashes_separate_folders(zipped):
    bundle, _ = read_bundle(
        zipped([("a\\b\\x.py", "1"), ("a\\empty\\", ""), ("./a//y.py", "2")]), CLASSIC
    )
    assert bundle.files == (("a/b/x.py", b"1"), ("a/y.py", b"2"))


@pytest.mark.parametrize("profile", [CLASSIC, DESIGNER])
@pytest.mark.parametrize(
    ("files", "words"),
    [
        ([(info("link", 0o120777), "/etc/passwd")], "symbolic link"),
        ([(info("pipe", stat.S_IFIFO | 0o644), "")], "special file"),
        ([(info("device", stat.S_IFCHR | 0o644), "")], "special file"),
        ([("x" * 300, "")], "too long"),
        ([("/".join(["folder"] * 200) + "/x", "")], "too long"),
        ([("x", "1"), ("x", "2")], "two files named 'x'"),
        ([("a/x", "1"), ("a\\x", "2")], "two files named 'a/x'"),
        ([("a", "1"), ("a/x", "2")], "both a file and a folder named 'a'"),
        ([(info("x", compress_type=zipfile.ZIP_BZIP2), "1")], "compression"),
        ([(info("x", compress_type=zipfile.ZIP_LZMA), "1")], "compression"),
    ],
)
def test_what_is_never_unpacked(zipped, files, words, profile):
    with pytest.raises(BundleError, match=words) as raised:
        read_bundle(zipped(files), profile)
    assert "0102" in raised.value.message
    assert raised.value.hint


def test_an_encrypted_entry_is_refused(zipped):
    path = zipped({"secret.py": "x"})
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(BundleError, match="encrypted"):
        read_bundle(path, CLASSIC)


def test_a_nul_in_a_name_is_refused(zipped):
    path = zipped({"good.pyXevil": "x"})
    path.write_bytes(path.read_bytes().replace(b"good.pyXevil", b"good.py\0evil"))
    with pytest.raises(BundleError, match="NUL"):
        read_bundle(path, CLASSIC)


def test_too_many_entries_are_refused(zipped, monkeypatch):
    monkeypatch.setattr(entries, "MAX_ENTRIES", 10)
    with pytest.raises(BundleError, match="more than 10 entries"):
        read_bundle(zipped({f"{number}.txt": "" for number in range(11)}), CLASSIC)


def test_the_declared_size_is_bounded_before_anything_is_decompressed(zipped):
    path = zipped({"zeros": bytes(5_000_000)})
    assert path.stat().st_size < 10_000
    with pytest.raises(BundleError, match="more than 4,000,000 bytes"):
        read_bundle(path, CLASSIC, max_bytes=4_000_000)
    assert len(read_bundle(path, CLASSIC, max_bytes=5_000_000)[0].files[0][1]) == 5_000_000


def test_an_entry_larger_than_it_says_is_refused(zipped):
    """The declared size is a lie in both headers; the read ends there and sees the checksum."""
    path = zipped({"zeros": bytes(1_000_000)})
    content = path.read_bytes().replace(struct.pack("<L", 1_000_000), struct.pack("<L", 10))
    path.write_bytes(content)
    with pytest.raises(BundleError, match="0102"):
        read_bundle(path, CLASSIC, max_bytes=100)


def test_an_entry_smaller_than_it_says_is_refused(zipped):
    path = zipped({"few": b"abc" * 5})
    path.write_bytes(path.read_bytes().replace(struct.pack("<L", 15), struct.pack("<L", 900)))
    with pytest.raises(BundleError, match="0102"):
        read_bundle(path, CLASSIC)


def overlapping_zip(names, content=bytes(100_000)):
    """Many entries that all share one piece of compressed data, with matching names."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(content) + packer.flush()
    sizes = (zlib.crc32(content), len(packed), len(content))
    local = struct.pack("<4s5H3L2H", b"PK\3\4", 20, 0, 8, 0, 33, *sizes, 1, 0) + b"a" + packed
    directory = b"".join(
        struct.pack("<4s6H3L5H2L", b"PK\1\2", 20, 20, 0, 8, 0, 33, *sizes, 1, 0, 0, 0, 0, 0, 0)
        + b"a"
        for _ in range(names)
    )
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0, 0, len(directory), len(local), 0)
    return local + directory + end


def test_entries_that_share_their_bytes_are_refused(tmp_path):
    path = tmp_path / "bomb.zip"
    path.write_bytes(overlapping_zip(1))
    assert len(read_bundle(path, CLASSIC)[0].files) == 1
    path.write_bytes(overlapping_zip(1000))
    with pytest.raises(BundleError, match=r"overlap|0102"):
        read_bundle(path, CLASSIC)


def test_an_enormous_list_of_entries_is_not_read(tmp_path):
    path = tmp_path / "many.zip"
    path.write_bytes(overlapping_zip(800_000, b""))
    with pytest.raises(BundleError, match="too long"):
        read_bundle(path, CLASSIC)


def test_a_missing_bundle_gets_a_suggestion(tmp_path):
    write_zip(tmp_path / "tools.zip", {})
    with pytest.raises(BundleError, match=r"tool\.zip") as raised:
        read_bundle(tmp_path / "tool.zip", CLASSIC)
    assert raised.value.hint == "did you mean 'tools.zip'?"
    with pytest.raises(BundleError) as raised:
        read_bundle(tmp_path / "nowhere" / "tool.zip", CLASSIC)
    assert "no folder" in raised.value.hint


def test_names_that_windows_cannot_tell_apart_are_told(zipped):
    _, findings = read_bundle(zipped({"data.csv": "1", "Data.csv": "2"}), CLASSIC)
    assert codes(findings) == ["AZ282"]
    assert "'Data.csv', 'data.csv'" in findings[0].message


@pytest.mark.rule("X5", profile="designer")
@pytest.mark.parametrize("name", ["test.py", "app.py", "Test.py", "app/__init__.py"])
def test_designer_reserves_two_names(zipped, name):
    path = zipped({name: "", "other.py": ""})
    assert codes(read_bundle(path, DESIGNER)[1]) == ["AZ283"]
    assert read_bundle(path, CLASSIC)[1] == []


def test_a_folder_zipped_with_its_contents_is_told(zipped):
    _, findings = read_bundle(zipped({"utils/Hello.py": "", "utils/x.csv": ""}), CLASSIC)
    assert codes(findings) == ["AZ285"]
    assert "import utils.Hello" in findings[0].message
    assert read_bundle(zipped({"pkg/__init__.py": "", "pkg/a.py": ""}), CLASSIC)[1] == []


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "tools"
    (root / "models").mkdir(parents=True)
    (root / "Hello.py").write_text("x = 1")
    (root / "models" / "a.bin").write_bytes(b"\0")
    return root


def test_a_folder_is_a_bundle(folder):
    bundle, findings = read_bundle(folder, CLASSIC)
    assert bundle == Bundle("tools", (("Hello.py", b"x = 1"), ("models/a.bin", b"\0")))
    assert findings == []


def test_hidden_files_and_caches_of_a_folder_are_left_out(folder):
    for name in ("__pycache__/a.pyc", ".git/config", ".ipynb_checkpoints/x.py", ".env"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("")
    bundle, findings = read_bundle(folder, CLASSIC)
    assert [name for name, _ in bundle.files] == ["Hello.py", "models/a.bin"]
    assert codes(findings) == ["AZ284"]
    assert "'.env'" in findings[0].message
    assert ".git" not in findings[0].message


@pytest.mark.parametrize("target", ["/etc/passwd", "Hello.py", "models", "nowhere"])
def test_a_link_in_a_folder_is_refused_by_name(folder, target):
    (folder / "models" / "link").symlink_to(target)
    with pytest.raises(BundleError, match="symbolic link: 'models/link'"):
        read_bundle(folder, CLASSIC)


def test_a_pipe_in_a_folder_is_refused_without_waiting(folder):
    os.mkfifo(folder / "pipe")
    with pytest.raises(BundleError, match="special file: 'pipe'"):
        read_bundle(folder, CLASSIC)


def test_a_folder_is_bounded(folder, monkeypatch):
    with pytest.raises(BundleError, match="more than 5 bytes"):
        read_bundle(folder, CLASSIC, max_bytes=5)
    monkeypatch.setattr("azml_magic.module.folder.MAX_ENTRIES", 2)
    monkeypatch.setattr(entries, "MAX_ENTRIES", 2)
    with pytest.raises(BundleError, match="more than 2 entries"):
        read_bundle(folder, CLASSIC)


def test_a_name_that_is_no_text_is_refused(folder):
    with open(os.fsencode(folder) + b"/\xff.py", "w"):
        pass
    with pytest.raises(BundleError, match="not valid text"):
        read_bundle(folder, CLASSIC)
