"""Reads a bill of materials from standard input and ends with an error where CycloneDX's own JSON schema refuses it."""

import json
import sys

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

text = sys.stdin.read()
version = SchemaVersion.from_version(json.loads(text)["specVersion"])
error = JsonStrictValidator(version).validate_str(text)
if error is not None:
    sys.exit(f"{error.data.json_path}: {error.data.message[:500]}")
print(version.to_version())
