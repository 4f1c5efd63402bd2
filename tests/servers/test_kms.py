"""The AWS KMS of the tests."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.servers.kms import found_at, kms_server


def test_a_key_wraps_in_its_context(monkeypatch: pytest.MonkeyPatch) -> None:
    """As AWS's own does; it is found through the environment alone, and with made-up credentials."""
    with kms_server() as url:
        for name, value in found_at(url).items():
            monkeypatch.setenv(name, value)
        kms: Any = boto3.session.Session().client("kms", region_name="eu-central-1")
        arn = kms.create_key()["KeyMetadata"]["Arn"]
        blob = kms.encrypt(KeyId=arn, Plaintext=b"key", EncryptionContext={"a": "b"})["CiphertextBlob"]

        assert kms.decrypt(KeyId=arn, CiphertextBlob=blob, EncryptionContext={"a": "b"})["Plaintext"] == b"key"
        with pytest.raises(ClientError):
            kms.decrypt(KeyId=arn, CiphertextBlob=blob, EncryptionContext={"a": "c"})
        kms.close()
