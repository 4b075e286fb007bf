// Ranks with a bundle in a browser: to copy into an app, with edgerec_files.js and edgerec_ids.js.
//
//   import * as ort from "./vendor/ort.wasm.bundle.min.mjs";
//   import { load } from "./edgerec.js";
//   const ranker = await load(ort, "model/movies.json");
//   const { ids, scores } = await ranker.rank({ history: ["1", "39"], values: [5, 1.5], k: 10 });
//
// Integer ids go in as strings, BigInts or safe numbers, and come out as strings, since a number
// of JavaScript cannot tell ids above 2^53 apart. docs/bundle-format.md says what the inputs mean.

import { read, whole } from "./edgerec_files.js";
import { exact, hashed } from "./edgerec_ids.js";

const OUTPUTS = ["scores", "known", "top_positions", "top_ids", "top_scores"];
const TOLERANCE = 1e-5;
const ROLES = { user_id: "user", item_ids: "item", history: "item", exclude: "item" };

// Fetches the manifest at `address` and the graph beside it, refuses what is not whole or does not
// answer the manifest's own questions, and returns a Ranker.
export async function load(ort, address) {
  const { manifest, place } = await read(address);
  const graph = await whole(manifest.graph, place, address);
  // Of very many string ids the graph has hashes alone, and their text stands beside it.
  const texts = manifest.ids && new TextDecoder().decode(await whole(manifest.ids, place, address));
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

function near(wanted, found) {
  const close = (one, at) => Math.abs(one - found[at]) <= TOLERANCE;
  return wanted.length === found.length && wanted.every(close);
}
