// A headless Chromium and a server of files on this machine alone, for the tests of pages.

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";

import { chromium } from "playwright-core";

const TYPES = {
  ".css": "text/css",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".json": "application/json",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
};
const SWITCHES = [
  ...["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"],
  ...["--disable-component-update", "--disable-sync"],
];

// Serves files on a free port of 127.0.0.1: `folders` maps the first part of a path to a folder.
export async function serve(folders) {
  const server = createServer(async (request, response) => {
    const [first, ...rest] = new URL(request.url, "http://localhost").pathname.slice(1).split("/");
    const path = rest.join("/") || "index.html";
    try {
      if (!folders[first] || rest.includes("..")) throw new Error("not served");
      const content = await readFile(join(folders[first], path));
      const type = TYPES[extname(path)] ?? "application/octet-stream";
      response.writeHead(200, { "Content-Type": type, "Cache-Control": "no-store" }).end(content);
    } catch {
      response.writeHead(404, { "Content-Type": "text/plain" }).end("not found");
    }
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    stop: () => {
      server.closeAllConnections();
      return new Promise((closed) => server.close(closed));
    },
  };
}

// Starts Chromium with a profile of its own, hands its context to `work`, and cleans up after it.
export async function withBrowser(program, options, work) {
  const profile = await mkdtemp(join(tmpdir(), "edgerec-chromium-"));
  try {
    const context = await chromium.launchPersistentContext(profile, {
      executablePath: program,
      headless: true,
      chromiumSandbox: false,
      args: SWITCHES,
      ...options,
    });
    try {
      return await work(context);
    } finally {
      await context.close();
    }
  } finally {
    await rm(profile, { recursive: true, force: true });
  }
}
