// SPDX-License-Identifier: Apache-2.0
//
// The few bytes of a .tflite file that a test changes: versions in the table of operator codes.

/** Where field `index` of the table at `table` stands, or 0 if the file leaves it out. */
function field(bytes, table, index) {
  const vtable = table - bytes.readInt32LE(table);
  if (4 + 2 * index >= bytes.readUInt16LE(vtable)) return 0;
  const offset = bytes.readUInt16LE(vtable + 4 + 2 * index);
  return offset === 0 ? 0 : table + offset;
}

const follow = (bytes, at) => at + bytes.readUInt32LE(at);

/** A copy in which operator `builtin` claims `version`; the file must state some version of it. */
export function withVersion(model, builtin, version) {
  const bytes = Buffer.from(model);
  const codes = follow(bytes, field(bytes, follow(bytes, 0), 1));
  for (let i = 0; i < bytes.readUInt32LE(codes); i++) {
    const code = follow(bytes, codes + 4 + 4 * i);
    const [old, stated, wide] = [0, 2, 3].map((index) => field(bytes, code, index));
    const number = Math.max(old && bytes.readInt8(old), wide && bytes.readInt32LE(wide));
    if (number !== builtin || stated === 0) continue;
    bytes.writeInt32LE(version, stated);
    return bytes;
  }
  throw new Error(`the file states no version of operator ${builtin}`);
}
