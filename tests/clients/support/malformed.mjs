// Frames and updates that no honest client sends, each with the name of what is wrong with it. None of them may change
// a document or disturb anybody else. Made here, byte for byte, since no library writes them.

import * as encoding from "lib0/encoding";
import { make_awareness, make_frame, make_sync, message, sync } from "./client.mjs";

const bytes = (...values) => Uint8Array.from(values);
const varuint = (value) => make_frame((encoder) => encoding.writeVarUint(encoder, value));
const text = (value) => make_frame((encoder) => encoding.writeVarString(encoder, value));
const joined = (...parts) => Uint8Array.from(parts.flatMap((part) => (typeof part === "number" ? [part] : [...part])));
const buffer = (body) => joined(varuint(body.length), body);

const huge = varuint(Number.MAX_SAFE_INTEGER);
const too_long_varuint = bytes(...Array(12).fill(0xff), 0x01);
const bad_utf8 = [
  ["a lone continuation byte", bytes(0x80)],
  ["an overlong form", bytes(0xc0, 0xaf)],
  ["a surrogate", bytes(0xed, 0xa0, 0x80)],
  ["beyond U+10FFFF", bytes(0xf4, 0x90, 0x80, 0x80)],
  ["a cut sequence", bytes(0xe2, 0x82)],
];

// An update's single block: one struct of client 666 at clock 0.
const one_struct = (...struct) => joined(1, 1, varuint(666), 0, ...struct, 0);
const in_root = joined(1, text("text"));
/** An array in an array in an array… of one element each, and a true in the middle. */
function nested_any(depth) {
  const data = new Uint8Array(2 * depth + 1).fill(1);
  for (let i = 0; i < depth; ++i) data[2 * i] = 117;
  data[2 * depth] = 120;
  return data;
}
const nested_json = (depth) => "[".repeat(depth) + "]".repeat(depth);

/** [what is wrong, an update in encoding v1] */
export function malformed_updates() {
  const updates = [
    ["nothing", bytes()],
    ["only a count", bytes(1)],
    ["a count of blocks of 2^53", joined(huge, 0)],
    ["a count of structs of 2^53", joined(1, huge, 1, 0, 0)],
    ["a count of deleted clients of 2^53", joined(0, huge)],
    ["a count of deleted ranges of 2^53", joined(0, 1, 1, huge)],
    ["a number that does not end", too_long_varuint],
    ["a number above 2^53", joined(1, 1, bytes(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f), 0, 0, 1, 0)],
    ["bytes after the end", bytes(0, 0, 1, 2, 3)],
    ["an unknown content kind", one_struct(11, in_root, 1)],
    ["content kind 31", one_struct(31, in_root, 1)],
    ["an unknown type", one_struct(7, in_root, 9)],
    ["a deleted range of 2^53", joined(0, 1, varuint(666), 1, 0, huge)],
    ["a garbage struct of 2^53", one_struct(0, huge)],
    ["deleted content of 2^53", one_struct(1, in_root, huge)],
    ["clocks that overflow", joined(1, 2, varuint(666), huge, 0, huge, 0, huge, 0)],
    ["a text longer than the message", one_struct(4, in_root, huge)],
    ["a text that ends too early", joined(1, 1, varuint(666), 0, 4, in_root, 10, 65)],
    ["binary content longer than the message", one_struct(3, in_root, huge)],
    ["values: more than the message holds", one_struct(8, in_root, huge)],
    ["a value of an unknown kind", one_struct(8, in_root, 1, 42)],
    ["a value nested 200,000 deep", one_struct(8, in_root, 1, nested_any(200_000))],
    ["an embed nested 200,000 deep", one_struct(5, in_root, text(nested_json(200_000)))],
    ["an embed that is no JSON", one_struct(5, in_root, text("{"))],
    ["a format whose value is no JSON", one_struct(6, in_root, text("bold"), text("nope"))],
    ["an item that is its own origin", one_struct(0x84, varuint(666), 0, text("x"))],
    ["an item whose origin is its own future", one_struct(0x84, varuint(666), 5, text("x"))],
    ["an item whose parent is itself", one_struct(4, 0, varuint(666), 0, text("x"))],
    ["a parent kind that does not exist", one_struct(4, 7, text("text"), text("x"))],
    ["every byte 255", new Uint8Array(64).fill(255)],
    [
      "an update of encoding v2",
      bytes(0, 0, 2, 0xa5, 1, 0, 1, 4, 6, 4, 116, 101, 120, 116, 4, 1, 1, 1, 0, 0, 1, 1, 0, 0),
    ],
  ];
  for (const [what, raw] of bad_utf8) updates.push([`text with ${what}`, one_struct(4, in_root, buffer(raw))]);
  for (const [what, raw] of bad_utf8)
    updates.push([`a root's name with ${what}`, one_struct(4, 1, buffer(raw), text("x"))]);
  return updates;
}

/** [what is wrong, a whole frame] */
export function malformed_frames() {
  const awareness = (...body) => joined(message.awareness, buffer(joined(...body)));
  const frames = [
    ["an empty frame", bytes()],
    ["an unknown message type", bytes(77)],
    ["a message type of 2^53", huge],
    ["a message type that does not end", too_long_varuint],
    ["a message type cut off", bytes(0xff)],
    ["sync without a step", bytes(message.sync)],
    ["sync with an unknown step", bytes(message.sync, 9, 0)],
    ["a Step1 without a body", bytes(message.sync, sync.step1)],
    ["a Step1 that is shorter than it says", bytes(message.sync, sync.step1, 100, 1)],
    ["a Step1 that says 2^53", joined(message.sync, sync.step1, huge)],
    ["a state vector of 2^53 clients", make_sync(sync.step1, huge)],
    ["a state vector cut off", make_sync(sync.step1, bytes(2, 1))],
    ["a Step2 that is shorter than it says", bytes(message.sync, sync.step2, 100, 1)],
    ["an update that says 2^53", joined(message.sync, sync.update, huge)],
    ["bytes after a sync message", bytes(message.sync, sync.update, 2, 0, 0, 1, 2, 3)],
    ["presence without a body", bytes(message.awareness)],
    ["presence that says 2^53 bytes", joined(message.awareness, huge)],
    ["presence of 2^53 states", awareness(huge)],
    ["presence cut off in a state", awareness(1, 5)],
    ["presence with text that is no JSON", make_awareness([[901, 1, "{nope"]])],
    ["presence with no text at all", make_awareness([[902, 1, ""]])],
    ["presence nested 100,000 deep", make_awareness([[903, 1, nested_json(100_000)]])],
    ["presence with a million open brackets", make_awareness([[904, 1, "[".repeat(1_000_000)]])],
    [
      "presence of a client above 2^53",
      awareness(1, bytes(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f), 1, text("{}")),
    ],
    ["presence with a clock that does not end", awareness(1, 1, too_long_varuint)],
    ["presence of 50,000 clients", make_awareness(Array.from({ length: 50_000 }, (_, i) => [1_000_000 + i, 1, "{}"]))],
    ["presence of 5 MB", make_awareness([[905, 1, { blob: "x".repeat(5 << 20) }]])],
    ["an auth message with an unknown kind", bytes(message.refused, 9)],
    ["a marker that says 2^53", joined(message.durable, huge)],
  ];
  for (const [what, raw] of bad_utf8)
    frames.push([`presence with ${what}`, awareness(1, varuint(906), 1, buffer(raw))]);
  for (const [what, update] of malformed_updates()) {
    frames.push([`an update: ${what}`, make_sync(sync.update, update)]);
    frames.push([`a Step2: ${what}`, make_sync(sync.step2, update)]);
  }
  return frames;
}
