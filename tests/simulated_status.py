"""A STATUS with the fields that a test names; all others are 0."""

from myobridge.wire.messages import SERVOS, Status


def status(**fields):
    nothing = dict.fromkeys(Status.__struct_fields__, 0) | {"applied_cdeg": (0,) * SERVOS}
    return Status(**{**nothing, **fields})
