// What travels: rows as short arrays, the whole list as packed frames, as
// `mes/listing/rows.py` and `mes/list_stream.py` write them.

const FIELDS = [
  "number",
  "sequence",
  "state",
  "metal",
  "finish",
  "model",
  "source",
  "operator",
  "created",
  "promised",
];

export function rowOf(fields) {
  return Object.fromEntries(FIELDS.map((name, at) => [name, fields[at]]));
}

export function sameRow(one, other) {
  return FIELDS.every((name) => one[name] === other[name]);
}

// Below 0 when `one` stands above `other`: the newest work is on top.
export function compare(one, other) {
  if (one.created !== other.created) return other.created - one.created;
  return one.number < other.number ? 1 : one.number > other.number ? -1 : 0;
}

export async function fetchWhole() {
  // "no-cache": the browser asks whether what it kept is still so, and reads it from its disk then.
  const answer = await fetch("/api/list", { cache: "no-cache" });
  if (answer.status === 401) throw new SignedOut();
  if (!answer.ok) throw new Error(answer.status);
  const frames = split(await answer.arrayBuffer());
  const [head, ...parts] = await Promise.all(frames.map(unpack));
  return { position: head.position, rows: parts.flat().map(rowOf) };
}

export class SignedOut extends Error {}

function split(buffer) {
  const frames = [];
  const view = new DataView(buffer);
  for (let at = 0; at < buffer.byteLength; ) {
    const length = view.getUint32(at);
    frames.push(new Uint8Array(buffer, at + 4, length));
    at += 4 + length;
  }
  return frames;
}

function unpack(frame) {
  const stream = new Blob([frame]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).json();
}
