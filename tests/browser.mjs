// A headless Chromium and a server of files on this machine alone, for the tests of pages.
//
// Nothing here waits without an end: each step has a deadline, and the one that misses it is named.

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
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
const SECONDS_TO_START = 60;
const SECONDS_TO_CLOSE = 45; // Playwright kills what does not leave within 30
// A machine with other work takes long to compile 14 MB of WebAssembly.
export const SECONDS_OF_A_STEP = 90;

// Awaits `work()`. Where it fails or takes longer than `seconds`, the error names the step.
export async function step(name, work, seconds = SECONDS_OF_A_STEP) {
  let timer;
  const late = new Promise((_, reject) => {
    const missed = new Error(`not done within ${seconds} seconds`);
    timer = setTimeout(() => reject(missed), seconds * 1000);
  });
  try {
    return await Promise.race([work(), late]);
  } catch (error) {
    throw new Error(`The step "${name}" failed: ${error.message}`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

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
    // Closes the door first, then ends who is inside.
    stop: () => {
      const closed = new Promise((done) => server.close(done));
      server.closeAllConnections();
      return closed;
    },
  };
}

// Starts Chromium, hands a context that keeps everything in memory to `work`, and ends it.
//
// In memory, since what a page may keep on disk depends on how full the disk is.
//
// What `work` has to say it prints before it returns. Where it throws, the program ends, and the
// browser with it: Playwright kills the whole group of its processes and deletes its profile
// whenever Node exits.
export async function withBrowser(program, options, work) {
  process.once("SIGTERM", () => process.exit(143));
  const browser = await started(program);
  await work(await step("make a context", () => browser.newContext(options)));
  await step("close the browser", () => browser.close(), SECONDS_TO_CLOSE).catch((error) => {
    console.error(`${error.message} It is killed; everything that was asked of it is done.`);
    process.exit();
  });
}

// A browser that gives no answer in time is started once more, which is said.
async function started(program) {
  for (const last of [false, true]) {
    try {
      return await chromium.launch({
        executablePath: program,
        headless: true,
        chromiumSandbox: false,
        args: SWITCHES,
        handleSIGTERM: false,
        timeout: SECONDS_TO_START * 1000,
      });
    } catch (error) {
      if (last) throw error;
      console.error(`Chromium did not start, so it is started once more: ${error.message}`);
    }
  }
}
