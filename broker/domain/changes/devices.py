"""Owns the changes to device requests."""

from __future__ import annotations

from dataclasses import dataclass

from broker.domain.device_request import Decision, DeviceRequest
from broker.domain.ids import DeviceRequestId


@dataclass(frozen=True, kw_only=True, slots=True)
class AddDeviceRequest:
    """`Conflict` also when another request has this user code."""

    request: DeviceRequest


@dataclass(frozen=True, kw_only=True, slots=True)
class PollDeviceRequest:
    """Note that its device has asked, and how long it is to wait from now on."""

    id: DeviceRequestId
    at: int
    interval: int


@dataclass(frozen=True, kw_only=True, slots=True)
class DecideDeviceRequest:
    """A User's answer. `Conflict` unless the request still waits for one."""

    id: DeviceRequestId
    decision: Decision
    at: int
