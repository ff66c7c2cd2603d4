"""Ceph's S3 gateway on loopback: a production server that checks signatures, times, types and conditions."""
