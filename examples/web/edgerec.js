// Ranks with a bundle in a browser: one file to copy into an app.
//
//   import * as ort from "./vendor/ort.wasm.bundle.min.mjs";
//   import { load } from "./edgerec.js";
//   const ranker = await load(ort, "model/movies.json");
//   const { ids, scores } = await ranker.rank({ history: ["1", "39"], values: [5, 1.5], k: 10 });
//
// Integer ids go in as strings, BigInts or safe numbers, and come out as strings, since a number
// of JavaScript cannot tell ids above 2^53 apart. docs/bundle-format.md says what the inputs mean.

const OUTPUTS = ["scores", "known", "top_positions", "top_ids", "top_scores"];
const TOLERANCE = 1e-5;
const ROLES = { user_id: "user", item_ids: "item", history: "item", exclude: "item" };
const UTF_8 = new TextEncoder();

// Fetches the manifest at `address` and the graph beside it, refuses what is not whole or does not
// answer the manifest's own questions, and returns a Ranker.
export async function load(ort, address) {
  const place = new URL(address, globalThis.document?.baseURI);
  const text = await (await fetched(place)).text();
  const manifest = JSON.parse(text);
  if (manifest.format_version !== 1)
    throw new Error(
      `${address} is of format version ${manifest.format_version}, and this reader knows ` +
        "version 1. Take the edgerec.js that belongs to the exporter.",
    );
  const before = UTF_8.encode(text.slice(0, text.lastIndexOf(' "checksum":')));
  if (manifest.checksum && (await digest(before)) !== manifest.checksum)
    throw new Error(`${address} was altered or damaged. Copy the files again.`);
  const graph = await whole(manifest.graph, place);
  // Of very many string ids the graph has hashes alone, and their text stands beside it.
  const texts = manifest.ids && new TextDecoder().decode(await whole(manifest.ids, place));
  const session = await ort.InferenceSession.create(graph, { executionProviders: ["cpu"] });
  const ranker = new Ranker(ort, session, manifest, texts?.split("\0"));
  await ranker.verify();
  return ranker;
}

// One session and its manifest; under Node, make it of what you read yourself, and call verify().
// `eventValues` says which value stands for what a user did.
export class Ranker {
  #last = Promise.resolve();

  constructor(ort, session, manifest, catalogue) {
    Object.assign(this, { ort, session, manifest, catalogue });
    this.eventValues = manifest.event_values;
  }

  // Ranks `candidates`, or the whole catalogue where they are left out.
  //
  // `history` is what the user did, oldest first; `values` (null: not stated) and `times` (Unix
  // seconds) belong to it by position. `exclude` is never in the answer; k = 0 means all. `context`
  // is of this moment, { name: number } by the names in the manifest.
  // Returns { ids, scores, positions }, best first, and { all, known }, of every candidate.
  async rank({
    userId,
    candidates,
    history,
    values,
    times,
    now,
    exclude,
    context,
    k = 0,
  } = {}) {
    const none = { ids: [], scores: [], positions: [], all: [], known: [] };
    if (candidates && !candidates.length) return none; // to the graph it would be the catalogue
    const answer = await this.run({
      user_id: userId == null ? null : [userId],
      item_ids: candidates,
      history: history?.length ? history : null,
      history_values: values?.length ? values : null,
      history_times: times?.length ? times : null,
      now: now == null ? null : [now],
      exclude: exclude?.length ? exclude : null,
      context: context && this.#context(context),
      k: [k],
    });
    const positions = Array.from(answer.top_positions, Number);
    const texts = candidates?.filter((id) => id !== "") ?? this.catalogue;
    return {
      ids: this.manifest.id_hashes?.item
        ? positions.map((position) => texts[position])
        : Array.from(answer.top_ids, String),
      scores: Array.from(answer.top_scores),
      positions,
      all: answer.scores,
      known: Array.from(answer.known, Boolean),
    };
  }

  // Runs the graph once, the neutral value standing for each input that is null or left out.
  async run(inputs) {
    const feeds = {};
    for (const { name, type, neutral } of this.manifest.inputs)
      feeds[name] = this.#tensor(type, this.#hashed(name, inputs[name]) ?? neutral);
    // A session answers one request at a time: the next waits for the one before it.
    const turn = this.#last.then(() => this.session.run(feeds, OUTPUTS));
    this.#last = turn.catch(() => {});
    const answer = await turn;
    return Object.fromEntries(OUTPUTS.map((name) => [name, answer[name].data]));
  }

  // Asks the manifest's own questions and throws unless the answers are the exporter's.
  async verify() {
    for (const { name, inputs, outputs } of this.manifest.golden) {
      const found = await this.run(inputs);
      // Where a catalogue's best were asked for, the lists may stand alone.
      const top = found.scores.length
        ? Array.from(found.top_positions, (position) => found.scores[Number(position)])
        : found.top_scores;
      // Lists are compared through their scores: near-ties may swap between processors.
      const same =
        found.known.length === outputs.known.length &&
        outputs.known.every((known, at) => known === Boolean(found.known[at])) &&
        near(outputs.scores, found.scores) &&
        near(outputs.top_scores, found.top_scores) &&
        near(outputs.top_scores, top);
      if (!same)
        throw new Error(
          `${this.manifest.graph.file} answers "${name}" otherwise than its exporter did. ` +
            "Do not rank with it here: export it again, or use another version of the runtime.",
        );
    }
  }

  // Returns numbers in the file's order, out of a list of them or of { name: number }.
  #context(stated) {
    if (Array.isArray(stated)) return stated;
    const names = this.manifest.context ?? [];
    const odd = Object.keys(stated).find((name) => !names.includes(name));
    if (odd !== undefined)
      throw new Error(`${odd} is no name of the context. The names are: ${names.join(", ")}.`);
    return names.map((name) => stated[name] ?? null); // null becomes NaN: the default
  }

  #hashed(name, ids) {
    const hash = this.manifest.id_hashes?.[ROLES[name]];
    return hash && ids ? Array.from(ids, (id) => hashed(String(id), hash.seed)) : ids;
  }

  #tensor(type, elements) {
    let data = Array.from(elements, String);
    if (type === "int64") data = BigInt64Array.from(elements, exact);
    if (type === "float32") data = Float32Array.from(elements, (one) => one ?? NaN);
    return new this.ort.Tensor(type, data, [data.length]);
  }
}

// FNV-1a of the id in UTF-8, 63 bits of it; what nobody is called stays the padding id.
function hashed(id, seed) {
  if (id === "") return -(2n ** 63n);
  let number = BigInt.asUintN(64, 14695981039346656037n + BigInt(seed));
  for (const byte of UTF_8.encode(id))
    number = BigInt.asUintN(64, (number ^ BigInt(byte)) * 1099511628211n);
  return number >> 1n;
}

function exact(id) {
  if (typeof id === "number" && !Number.isSafeInteger(id))
    throw new Error(`${id} is no exact id. Pass ids above 2^53 as strings or BigInts.`);
  return BigInt(id);
}

// Fetches a file that the manifest at `place` describes, and refuses another.
async function whole({ file, bytes, sha256 }, place) {
  if (!/^[^/\\]+\.(onnx|ids)$/.test(file))
    throw new Error(`${place} names ${file}, which is no file beside it. Export again.`);
  const buffer = await (await fetched(new URL(encodeURIComponent(file), place))).arrayBuffer();
  if (buffer.byteLength !== bytes || (await digest(buffer)) !== sha256)
    throw new Error(`${file} is not the file that ${place} describes. Copy both again.`);
  return buffer;
}

async function fetched(address) {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address.pathname} is not there (HTTP ${response.status}).`);
  return response;
}

async function digest(buffer) {
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", buffer));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function near(wanted, found) {
  const close = (one, at) => Math.abs(one - found[at]) <= TOLERANCE;
  return wanted.length === found.length && wanted.every(close);
}
