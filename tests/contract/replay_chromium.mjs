// Replays bundles in a browser: node tests/contract/replay_chromium.mjs CHROMIUM BUNDLE.onnx …
//
// CHROMIUM is the program, ONNX Runtime that of onnxruntime-web (WebAssembly). Prints one JSON
// object per bundle, and ends with 1 if an answer is further than 1e-5 from the manifest's.

import { basename, dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";

import { serve, step, withBrowser } from "../browser.mjs";

const HERE = dirname(fileURLToPath(import.meta.url));
const [program, ...bundles] = process.argv.slice(2);

// Runs in the page.
async function replayThere(folder, name) {
  const ort = await import("/ort/ort.wasm.bundle.min.mjs");
  const { replay } = await import("/contract/replay.mjs");
  ort.env.wasm.numThreads = 1;
  const manifest = await (await fetch(`/${folder}/${name}.json`)).json();
  const graph = await (await fetch(`/${folder}/${name}.onnx`)).arrayBuffer();
  return { onnxruntime: ort.env.versions.common, ...(await replay(ort, manifest, graph)) };
}

const folders = {
  contract: HERE,
  ort: resolve(HERE, "../../node_modules/onnxruntime-web/dist"),
};
// One folder for each bundle, since two may have one name.
bundles.forEach((path, at) => (folders[`bundle${at}`] = dirname(resolve(path))));
const server = await serve(folders);
try {
  await withBrowser(program, {}, async (context) => {
    // One page for all: each new one would compile 14 MB of WebAssembly again.
    const page = await step("open a page", () => context.newPage());
    await step("load the page", () => page.goto(`${server.url}/contract/replay.mjs`));
    for (const [at, path] of bundles.entries()) {
      const found = { bundle: basename(path), runtime: `chromium ${context.browser().version()}` };
      const call = `(${replayThere})("bundle${at}", ${JSON.stringify(basename(path, ".onnx"))})`;
      try {
        Object.assign(found, await step(`ask ${found.bundle}`, () => page.evaluate(call)));
      } catch (error) {
        Object.assign(found, { error: error.message, largest_difference: null });
      }
      if (!(found.largest_difference !== null && found.largest_difference <= 1e-5))
        process.exitCode = 1;
      console.log(JSON.stringify(found));
    }
  });
} finally {
  await server.stop();
}
