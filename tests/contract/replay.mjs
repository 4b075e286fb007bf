// Replays the golden requests of a bundle, by docs/bundle-format.md alone: replay.py in JavaScript.
//
// Takes the runtime as an argument, so that onnxruntime-node, onnxruntime-web and a browser are
// asked by the same lines.

const OUTPUTS = ["scores", "known", "top_positions", "top_ids", "top_scores"];
const PADDING = { int64: -(2n ** 63n), string: "" };
const ROLES = { user_id: "user", item_ids: "item", history: "item", exclude: "item" };
ROLES.top_ids = "item";
const UTF_8 = new TextEncoder();

// Returns what a graph is given in place of a string id, where the manifest has `id_hashes`.
export function hashed(id, seed) {
  if (id === "") return PADDING.int64;
  let number = BigInt.asUintN(64, 14695981039346656037n + BigInt(seed));
  for (const byte of UTF_8.encode(id))
    number = BigInt.asUintN(64, (number ^ BigInt(byte)) * 1099511628211n);
  return number >> 1n;
}

// Reads a tensor's elements: int64 stands as decimal strings, NaN as null.
function elements(listed, type) {
  if (type === "int64") return BigInt64Array.from(listed, BigInt);
  if (type === "float32") return Float32Array.from(listed, (one) => one ?? NaN);
  if (type === "bool") return Uint8Array.from(listed, Number);
  return [...listed];
}

// Returns how many requests the bundle has and the largest difference of a score; throws where an
// answer differs in more than rounding.
export async function replay(ort, manifest, graph) {
  const session = await ort.InferenceSession.create(graph, {
    executionProviders: ["cpu"],
    logSeverityLevel: 3,
  });
  const types = Object.fromEntries(manifest.outputs.map((one) => [one.name, one.type]));
  // Reads ids, or another tensor: text stands for its hash where the manifest says so.
  const read = (name, listed, type) => {
    const hash = manifest.id_hashes?.[ROLES[name]];
    return hash
      ? BigInt64Array.from(listed, (id) => hashed(id, hash.seed))
      : elements(listed, type);
  };
  const run = async (values, reading = read) => {
    const feeds = {};
    for (const { name, type } of manifest.inputs) {
      const data = reading(name, values[name], type);
      feeds[name] = new ort.Tensor(type, data, [data.length]);
    }
    const answer = await session.run(feeds, OUTPUTS);
    return Object.fromEntries(OUTPUTS.map((name) => [name, answer[name]]));
  };
  const neutral = Object.fromEntries(manifest.inputs.map((one) => [one.name, one.neutral]));
  const whole = await run(neutral, (_, listed, type) => elements(listed, type));
  const catalogue = [];
  whole.top_positions.data.forEach((position, rank) => {
    catalogue[Number(position)] = whole.top_ids.data[rank];
  });
  const padding = PADDING[types.top_ids];
  let largest = 0;
  for (const { name, inputs, outputs } of manifest.golden) {
    const wanted = {};
    for (const output of OUTPUTS) wanted[output] = read(output, outputs[output], types[output]);
    const ids = (listed) =>
      Array.from(read("item_ids", listed, types.top_ids)).filter((id) => id !== padding);
    const candidates = ids(inputs.item_ids);
    try {
      const found = await run(inputs);
      const scored = candidates.length ? candidates : catalogue;
      largest = Math.max(largest, distance(wanted, found, types, scored, ids(inputs.exclude)));
    } catch (error) {
      throw new Error(`${name}: ${error.message}`);
    }
  }
  return { n_requests: manifest.golden.length, largest_difference: largest };
}

// Returns the largest difference of scores; rankings are compared through them.
function distance(wanted, found, types, candidates, excluded) {
  for (const name of OUTPUTS) {
    const { dims, type, data } = found[name];
    const length = wanted[name].length;
    if (dims.length !== 1 || dims[0] !== length || data.length !== length)
      throw new Error(`${name} has shape [${dims}], not [${length}]`);
    if (type !== types[name]) throw new Error(`${name} is of ${type}, not ${types[name]}`);
  }
  if (wanted.known.some((known, at) => known !== Number(found.known.data[at])))
    throw new Error("known differs");
  const positions = Array.from(found.top_positions.data, Number);
  const ids = Array.from(found.top_ids.data);
  if (new Set(positions).size !== positions.length)
    throw new Error("top_positions has one position twice");
  if (ids.some((id, rank) => id !== candidates[positions[rank]]))
    throw new Error("top_ids are not those at top_positions");
  if (ids.some((id) => excluded.includes(id))) throw new Error("top_ids has an excluded item");
  const scores = found.scores.data;
  const largest = Math.max(
    furthest(wanted.scores, scores),
    furthest(wanted.top_scores, found.top_scores.data),
    // Where a catalogue's best were asked for, the lists may stand alone.
    furthest(scores.length ? positions.map((position) => scores[position]) : [], found.top_scores.data),
  );
  if (!(largest <= 1)) throw new Error("a score is not finite");
  return largest;
}

// Returns the largest difference of two lists of one length; NaN if there is a NaN.
function furthest(left, right) {
  return left.reduce((most, one, at) => Math.max(most, Math.abs(one - right[at])), 0);
}
