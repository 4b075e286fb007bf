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

// Fetches the manifest at `address` and the graph beside it, refuses what is not whole or does not
// answer the manifest's own questions, and returns a Ranker.
export async function load(ort, address) {
  const place = new URL(address, globalThis.document?.baseURI);
  const manifest = await (await fetched(place)).json();
  if (manifest.format_version !== 1)
    throw new Error(
      `${address} is of format version ${manifest.format_version}, and this reader knows ` +
        "version 1. Take the edgerec.js that belongs to the exporter.",
    );
  const { file, bytes, sha256 } = manifest.graph;
  if (!/^[^/\\]+\.onnx$/.test(file))
    throw new Error(`${address} names the graph ${file}, which is no file beside it. Export again.`);
  const graph = await (await fetched(new URL(encodeURIComponent(file), place))).arrayBuffer();
  if (graph.byteLength !== bytes || (await digest(graph)) !== sha256)
    throw new Error(`${file} is not the file that ${address} describes. Copy both again.`);
  const session = await ort.InferenceSession.create(graph, { executionProviders: ["cpu"] });
  const ranker = new Ranker(ort, session, manifest);
  await ranker.verify();
  return ranker;
}

// One session and its manifest; under Node, make it of what you read yourself, and call verify().
// `eventValues` says which value stands for what a user did.
export class Ranker {
  #last = Promise.resolve();

  constructor(ort, session, manifest) {
    Object.assign(this, { ort, session, manifest, eventValues: manifest.event_values });
  }

  // Ranks `candidates`, or the whole catalogue where they are left out.
  //
  // `history` is what the user did, oldest first; `values` (null: not stated) and `times` (Unix
  // seconds) belong to it by position. `exclude` is never in the answer; k = 0 means all.
  // Returns { ids, scores, positions }, best first, and { all, known }, of every candidate.
  async rank({ userId, candidates, history, values, times, now, exclude, k = 0 } = {}) {
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
      k: [k],
    });
    return {
      ids: Array.from(answer.top_ids, String),
      scores: Array.from(answer.top_scores),
      positions: Array.from(answer.top_positions, Number),
      all: answer.scores,
      known: Array.from(answer.known, Boolean),
    };
  }

  // Runs the graph once, the neutral value standing for each input that is null or left out.
  async run(inputs) {
    const feeds = {};
    for (const { name, type, neutral } of this.manifest.inputs)
      feeds[name] = this.#tensor(type, inputs[name] ?? neutral);
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

  #tensor(type, elements) {
    let data = Array.from(elements, String);
    if (type === "int64") data = BigInt64Array.from(elements, whole);
    if (type === "float32") data = Float32Array.from(elements, (one) => one ?? NaN);
    return new this.ort.Tensor(type, data, [data.length]);
  }
}

function whole(id) {
  if (typeof id === "number" && !Number.isSafeInteger(id))
    throw new Error(`${id} is no exact id. Pass ids above 2^53 as strings or BigInts.`);
  return BigInt(id);
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
