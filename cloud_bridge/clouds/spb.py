"""Payloads of Sparkplug B: Protocol Buffers by the field numbers of the specification, 3.0.0,
chapter 6.4 ("Sparkplug B MQTT Payload Protocol Buffers Schema"); what is not used here is left out.

Numbers are Int64: eight bytes in two's complement, in a field without sign.
"""

from collections.abc import Mapping
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError as DecodeError

INT64, BOOLEAN, STRING = 4, 11, 12  # data types
_Field = descriptor_pb2.FieldDescriptorProto
_KINDS = {"uint64": _Field.TYPE_UINT64, "uint32": _Field.TYPE_UINT32, "bool": _Field.TYPE_BOOL,
          "string": _Field.TYPE_STRING}
_METRIC = {"name": (1, "string"), "alias": (2, "uint64"), "timestamp": (3, "uint64"),
           "datatype": (4, "uint32"), "is_historical": (5, "bool"), "is_null": (7, "bool"),
           "int_value": (10, "uint32"), "long_value": (11, "uint64"),
           "boolean_value": (14, "bool"), "string_value": (15, "string")}
_PAYLOAD = {"timestamp": (1, "uint64"), "metrics": (2, "metric"), "seq": (3, "uint64")}


def _made() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="parkedge/sparkplug_b.proto", syntax="proto2",
                                              package="parkedge.sparkplug_b")
    for name, fields in (("Metric", _METRIC), ("Payload", _PAYLOAD)):
        message = file.message_type.add(name=name)
        for field, (number, kind) in fields.items():
            one = message.field.add(name=field, number=number, label=_Field.LABEL_OPTIONAL)
            if kind == "metric":
                one.label, one.type = _Field.LABEL_REPEATED, _Field.TYPE_MESSAGE
                one.type_name = ".parkedge.sparkplug_b.Metric"
            else:
                one.type = _KINDS[kind]
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(
        pool.FindMessageTypeByName("parkedge.sparkplug_b.Payload"))


Payload = _made()


def add(payload: Any, value: int | bool | str | None, time_ms: int, name: str = "",
        alias: int | None = None, kind: int | None = INT64, historical: bool = False) -> None:
    """Put one metric into a payload: in a birth with its name and data type, in data by its alias
    alone; None is null."""
    metric = payload.metrics.add(timestamp=time_ms)
    if name:
        metric.name = name
        metric.datatype = kind
    if alias is not None:
        metric.alias = alias
    if historical:
        metric.is_historical = True
    if value is None:
        metric.is_null = True
    elif isinstance(value, bool):
        metric.boolean_value = value
    elif isinstance(value, str):
        metric.string_value = value
    else:
        metric.long_value = value & 0xFFFF_FFFF_FFFF_FFFF


def written(payload: bytes, names: Mapping[int, str] | None = None) -> dict[str, int | bool | str]:
    """What a command writes, by name. DecodeError when it is no payload; a metric without a name
    that is known, or of another kind, or with a text that is not UTF-8, is left out."""
    found = Payload()
    found.ParseFromString(payload)
    values: dict[str, int | bool | str] = {}
    for metric in found.metrics:
        name = metric.name or (names or {}).get(metric.alias, "")
        if isinstance(name, bytes):  # what is not UTF-8 the library leaves as it came
            continue
        if name and metric.HasField("boolean_value"):
            values[name] = metric.boolean_value
        elif name and metric.HasField("long_value"):
            values[name] = metric.long_value - (metric.long_value >> 63 << 64)
        elif name and metric.HasField("int_value"):
            values[name] = metric.int_value - (metric.int_value >> 31 << 32)
        elif name and metric.HasField("string_value") and isinstance(metric.string_value, str):
            values[name] = metric.string_value
    return values
