#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Holds proto/ to the published wire contract, proto/contract/*.txt.

A contract file lists blocks: "message NAME", "enum NAME" or "service NAME", followed by indented
lines, one a field, value or call. What proto/ declares under a contract name must say the same:
  messages and enums  every line of the contract, none missing, none different
  services            calls may be left out (they answer UNIMPLEMENTED); none may be invented
Names that only one side has are free: proto/ has packages of its own, and serves a part of the API.

usage: contract_test.py [PROTO_ROOT]     needs protoc and python3-protobuf
"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorSet

PROTO_ROOT = pathlib.Path(__file__).resolve().parents[2] / "proto"


def load_contract(folder):
    """{block heading: set of lines}"""
    contract = {}
    for path in sorted(folder.glob("*.txt")):
        block = None
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if not line.strip() or line.startswith(("#", "file ")):
                continue
            if not line.startswith(" "):
                block = contract.setdefault(line.strip(), set())
            elif block is None:
                raise ValueError(f"{path}:{number}: a line outside of any block")
            else:
                block.add(line.strip())
    return contract


def load_tree(root):
    """The same form, from what protoc understands of the .proto files below `root`."""
    sources = sorted(str(path.relative_to(root)) for path in root.rglob("*.proto"))
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder, "tree.fds")
        subprocess.run(["protoc", f"--proto_path={root}", f"--descriptor_set_out={out}",
                        "--include_imports", *sources], check=True)
        files = FileDescriptorSet.FromString(out.read_bytes()).file
    tree = {}
    for file in files:
        for message in file.message_type:
            describe_message(file.package, message, tree)
        for enum in file.enum_type:
            describe_enum(file.package, enum, tree)
        for service in file.service:
            tree[f"service {file.package}.{service.name}"] = {
                describe_call(method) for method in service.method}
    return tree


def describe_message(scope, message, tree):
    name = f"{scope}.{message.name}"
    entries = {f".{name}.{nested.name}": nested for nested in message.nested_type
               if nested.options.map_entry}
    tree[f"message {name}"] = {describe_field(message, field, entries) for field in message.field}
    for enum in message.enum_type:
        describe_enum(name, enum, tree)
    for nested in message.nested_type:
        if not nested.options.map_entry:
            describe_message(name, nested, tree)


def describe_field(message, field, entries):
    if entry := entries.get(field.type_name):
        key, value = (type_name(part) for part in entry.field)
        return f"{field.number} map<{key},{value}> {field.name}"
    words = [str(field.number)]
    if field.label == FieldDescriptorProto.LABEL_REPEATED:
        words.append("repeated")
    elif field.proto3_optional:
        words.append("optional")
    words += [type_name(field), field.name]
    # protoc wraps each `optional` in a oneof of its own, which is not part of the wire.
    if field.HasField("oneof_index") and not field.proto3_optional:
        words += ["oneof", message.oneof_decl[field.oneof_index].name]
    return " ".join(words)


def type_name(field):
    if field.type_name:
        return field.type_name.removeprefix(".")
    return FieldDescriptorProto.Type.Name(field.type).removeprefix("TYPE_").lower()


def describe_enum(scope, enum, tree):
    tree[f"enum {scope}.{enum.name}"] = {f"{value.number} {value.name}" for value in enum.value}


def describe_call(method):
    def side(streams, message):
        return ("stream " if streams else "") + message.removeprefix(".")
    return (f"rpc {method.name} ({side(method.client_streaming, method.input_type)})"
            f" -> ({side(method.server_streaming, method.output_type)})")


def differences(contract, tree):
    found = []
    for block in sorted(contract.keys() & tree.keys()):
        if block.startswith("service "):
            found += [f"{block}: the contract has no `{line}`"
                      for line in sorted(tree[block] - contract[block])]
        else:
            found += [f"{block}: `{line}` is missing or differs"
                      for line in sorted(contract[block] - tree[block])]
    return found


class ContractTest(unittest.TestCase):
    def test_proto_files_agree_with_the_contract(self):
        contract, tree = load_contract(PROTO_ROOT / "contract"), load_tree(PROTO_ROOT)
        self.assertEqual(differences(contract, tree), [])
        # A checker that compares nothing agrees with everything.
        self.assertGreater(len(contract.keys() & tree.keys()), 300)

    def test_every_proto_file_of_the_api_has_its_contract(self):
        named = {match[1] for path in (PROTO_ROOT / "contract").glob("*.txt")
                 if (match := re.match(r"file (\S+) package", path.read_text()))}
        ours = {str(path.relative_to(PROTO_ROOT)) for path in PROTO_ROOT.rglob("*.proto")}
        # google/* stands in legacy.txt, bowerbird/* is this project's own, grpc/* is gRPC's.
        self.assertEqual({path for path in ours - named
                          if not path.startswith(("google/", "grpc/", "bowerbird/"))}, set())

    def check_edit_is_noticed(self, path, before, after, complaint):
        with tempfile.TemporaryDirectory() as folder:
            copy = pathlib.Path(folder, "proto")
            shutil.copytree(PROTO_ROOT, copy)
            text = (copy / path).read_text()
            self.assertIn(before, text)
            (copy / path).write_text(text.replace(before, after, 1))
            found = differences(load_contract(PROTO_ROOT / "contract"), load_tree(copy))
        self.assertEqual(len(found), 1, found)
        self.assertIn(complaint, found[0])

    def test_a_changed_number_is_noticed(self):
        self.check_edit_is_noticed("component/camera/v1/camera.proto", "bytes image = 3;",
                                   "bytes image = 2;", "3 bytes image")

    def test_a_changed_type_is_noticed(self):
        self.check_edit_is_noticed("service/mlmodel/v1/mlmodel.proto", "repeated int32 shape = 4;",
                                   "repeated int64 shape = 4;", "4 repeated int32 shape")

    def test_a_lost_optional_is_noticed(self):
        self.check_edit_is_noticed("service/vision/v1/vision.proto", "optional int64 x_min = 1;",
                                   "int64 x_min = 1;", "1 optional int64 x_min")

    def test_an_invented_call_is_noticed(self):
        self.check_edit_is_noticed(
            "component/sensor/v1/sensor.proto", "service SensorService {",
            "service SensorService {\n  rpc Guess(viam.common.v1.GetReadingsRequest)"
            " returns (viam.common.v1.GetReadingsResponse);", "rpc Guess")

    def test_a_renamed_enum_value_is_noticed(self):
        self.check_edit_is_noticed("service/mlmodel/v1/mlmodel.proto",
                                   "LABEL_TYPE_TENSOR_AXIS = 2;", "LABEL_TYPE_AXIS = 2;",
                                   "2 LABEL_TYPE_TENSOR_AXIS")


if __name__ == "__main__":
    if len(sys.argv) > 1 and not sys.argv[1].startswith("-"):
        PROTO_ROOT = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main()
