"""The S3 implementation of the store; the one place that knows the `minio` client."""

from tuner.artifacts.s3.store import S3Store

__all__ = ["S3Store"]
