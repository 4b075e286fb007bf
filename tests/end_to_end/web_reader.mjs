// Asks a bundle through examples/web/edgerec.js under Node: … web_reader.mjs BUNDLE.onnx REQUESTS
//
// REQUESTS is a list in JSON. Prints an answer for each, one JSON object a line, or its error.

import { readFile } from "node:fs/promises";

import { Ranker } from "../../examples/web/edgerec.js";

process.env.ORT_DISABLE_TELEMETRY = "1"; // read when onnxruntime-node is loaded
const ort = await import("onnxruntime-node");
const [path, requests] = process.argv.slice(2);
const manifest = JSON.parse(await readFile(path.replace(/\.onnx$/, ".json"), "utf-8"));
const session = await ort.InferenceSession.create(await readFile(path), { logSeverityLevel: 3 });
const ids = manifest.ids && (await readFile(path.replace(/\.onnx$/, ".ids"), "utf-8"));
const ranker = new Ranker(ort, session, manifest, ids?.split("\0"));
await ranker.verify();
// All at once: the reader must put them in a row itself.
const answers = JSON.parse(requests).map((request) =>
  ranker.rank(request).catch((error) => ({ error: error.message })),
);
for (const answer of await Promise.all(answers))
  console.log(JSON.stringify({ ...answer, all: Array.from(answer.all ?? []) }));
