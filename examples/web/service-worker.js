// Lets the page be opened again without a network: a file comes from the network where that
// answers, and is kept; else it comes from what was kept.

const KEPT = "edgerec-web";
const FILES = [
  ...["./", "page.css", "page.js", "edgerec.js"],
  ...["edgerec_files.js", "edgerec_ids.js"],
  ...["model/titles.json", "model/movies.json", "model/movies.onnx"],
  ...["vendor/ort.wasm.bundle.min.mjs", "vendor/ort-wasm-simd-threaded.wasm"],
];

self.addEventListener("install", (event) => event.waitUntil(keep().then(() => self.skipWaiting())));
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("fetch", (event) => {
  if (event.request.method === "GET") event.respondWith(answer(event.request));
});

async function keep() {
  await (await caches.open(KEPT)).addAll(FILES);
}

async function answer(request) {
  const cache = await caches.open(KEPT);
  try {
    const response = await fetch(request);
    if (response.ok) await cache.put(request, response.clone());
    return response;
  } catch (error) {
    const kept = await cache.match(request, { ignoreVary: true });
    if (kept) return kept;
    throw error;
  }
}
