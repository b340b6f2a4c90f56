// Reads what the stage shows: the server's own document (see pictures/scene.py), and STL files; and
// brings up the stage where the browser can draw it.

const HEADER = 84;
const FACET = 50;
const NUMBER = "\\s+(-?[\\d.]+(?:e[-+]?\\d+)?)";

/** The parts of a piece: the metal and, where there is one, the stone. */
export function piece(buffer) {
  const counts = new Uint32Array(buffer, 0, 4);
  const parts = [];
  let at = 16;
  for (const number of [0, 2]) {
    const [points, facets] = [counts[number], counts[number + 1]];
    if (!facets) continue;
    const positions = new Float32Array(buffer, at, 3 * points);
    const normals = new Int8Array(buffer, at + 12 * points, 4 * points);
    const numbers = new Uint32Array(buffer, at + 16 * points, 3 * facets);
    at += 16 * points + 12 * facets;
    parts.push({ positions, normals, facets: numbers });
  }
  return parts;
}

/** The facets of an STL file as one part, or null where it is none that can be read. */
export function stl(buffer) {
  const positions = binary(buffer) ?? text(buffer);
  return positions?.length && positions.every(Number.isFinite) ? { positions } : null;
}

function binary(buffer) {
  if (buffer.byteLength < HEADER) return null;
  const view = new DataView(buffer);
  const count = view.getUint32(80, true);
  if (buffer.byteLength !== HEADER + count * FACET) return null;
  const positions = new Float32Array(9 * count);
  for (let facet = 0; facet < count; facet += 1) {
    for (let number = 0; number < 9; number += 1) {
      positions[9 * facet + number] = view.getFloat32(HEADER + FACET * facet + 12 + 4 * number, true);
    }
  }
  return positions;
}

function text(buffer) {
  if (!/^\s*solid\b/i.test(new TextDecoder("latin1").decode(buffer.slice(0, HEADER)))) return null;
  const vertex = new RegExp(`vertex${NUMBER}${NUMBER}${NUMBER}`, "gi");
  const found = new TextDecoder("latin1").decode(buffer).matchAll(vertex);
  const positions = [];
  for (const [, x, y, z] of found) positions.push(Number(x), Number(y), Number(z));
  return positions.length % 9 ? null : new Float32Array(positions);
}

const TENTHS = new Intl.NumberFormat(document.documentElement.lang, {
  minimumFractionDigits: 1,
  maximumFractionDigits: 1,
});

/** Length, width and height of a part in mm, for people. */
export function measures({ positions }) {
  const low = [Infinity, Infinity, Infinity];
  const high = [-Infinity, -Infinity, -Infinity];
  positions.forEach((place, number) => {
    low[number % 3] = Math.min(low[number % 3], place);
    high[number % 3] = Math.max(high[number % 3], place);
  });
  return high.map((end, axis) => TENTHS.format(end - low[axis])).join(" × ");
}

/** A stage for `figure` (see stage.js), or null in a browser that draws in three dimensions not at
 *  all, or with its processor only: there a picture is quicker. */
export async function stageIn(figure, options) {
  try {
    if (!draws()) return null;
    const { Stage } = await import("./stage.js");
    return new Stage(figure, options);
  } catch {
    return null;
  }
}

function draws() {
  const gl = document.createElement("canvas").getContext("webgl2");
  const named = gl?.getExtension("WEBGL_debug_renderer_info");
  const card = gl?.getParameter(named ? named.UNMASKED_RENDERER_WEBGL : gl.RENDERER) ?? "software";
  gl?.getExtension("WEBGL_lose_context")?.loseContext();
  return !/software|swiftshader|llvmpipe|basic render/i.test(card);
}
