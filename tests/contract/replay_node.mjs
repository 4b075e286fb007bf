// Replays bundles under Node: node tests/contract/replay_node.mjs RUNTIME BUNDLE.onnx …
//
// RUNTIME is onnxruntime-node (native) or onnxruntime-web (WebAssembly). Prints one JSON object per
// bundle, and ends with 1 if an answer is further than 1e-5 from the manifest's.

import { readFile } from "node:fs/promises";
import { basename } from "node:path";

import { replay } from "./replay.mjs";

// onnxruntime-node reads this when it is loaded.
process.env.ORT_DISABLE_TELEMETRY = "1";
const [runtime, ...bundles] = process.argv.slice(2);
const ort = await import(runtime);
if (ort.env.wasm) ort.env.wasm.numThreads = 1;

for (const path of bundles) {
  const found = { bundle: basename(path), runtime, onnxruntime: ort.env.versions.common };
  try {
    const manifest = JSON.parse(await readFile(path.replace(/\.onnx$/, ".json"), "utf-8"));
    Object.assign(found, await replay(ort, manifest, await readFile(path)));
  } catch (error) {
    Object.assign(found, { error: error.message, largest_difference: null });
  }
  if (!(found.largest_difference !== null && found.largest_difference <= 1e-5))
    process.exitCode = 1;
  console.log(JSON.stringify(found));
}
