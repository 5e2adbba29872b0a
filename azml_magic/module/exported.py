"""Reading a module zip: its manifest is verified against its files."""

from __future__ import annotations

import hashlib

from azml_magic.errors import BundleError
from azml_magic.module.bundle import Bundle
from azml_magic.module.manifest import MANIFEST_FILE, Manifest, read_manifest


def manifest_of(bundle: Bundle) -> Manifest | None:
    """Return the manifest of a module zip; ``None`` for a zip that is not one.

    Raises
    ------
    BundleError
        When a file was changed, added or removed after the export.
    """
    files = dict(bundle.files)
    if MANIFEST_FILE not in files:
        return None
    manifest = read_manifest(files.pop(MANIFEST_FILE), bundle.name)
    hint = "export the module again, or delete azml_module.json to use the zip as it is"
    for name in sorted({*files, *manifest.files}):
        if name not in files:
            raise BundleError(f"{name} is missing in {bundle.name}", hint)
        if name not in manifest.files:
            raise BundleError(f"{name} was added to {bundle.name} after its export", hint)
        if hashlib.sha256(files[name]).hexdigest() != manifest.files[name]:
            raise BundleError(f"{name} in {bundle.name} was changed after its export", hint)
    for name in (manifest.source_file, *manifest.bundle):
        if name not in files:
            raise BundleError(f"{bundle.name} lists {name}, but does not contain it", hint)
    return manifest


def own_bundle(bundle: Bundle, manifest: Manifest) -> Bundle | None:
    """Return the script bundle that the module had before its export."""
    if not manifest.bundle:
        return None
    own = set(manifest.bundle)
    return Bundle(bundle.name, tuple(item for item in bundle.files if item[0] in own))
