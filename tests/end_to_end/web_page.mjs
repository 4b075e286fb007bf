// Drives examples/web: node tests/end_to_end/web_page.mjs CHROMIUM PAGE SHOTS
//
// PAGE is the folder of the prepared page, SHOTS one for screenshots. Prints what was seen as one
// JSON object.

import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { SECONDS_OF_A_STEP, serve, step, withBrowser } from "../browser.mjs";

const [program, folder, shots] = process.argv.slice(2);
const server = await serve({ page: folder });
const address = `${server.url}/page/`;
const seen = { n_workers: 0, requests: [], errors: [], refused: {}, lists: [], took: [] };

const ranked = (page) =>
  page.$$eval("#ranked .card", (cards) => cards.map((card) => card.dataset.id));

// Taps, and waits until the list was drawn again.
async function tap(page, selector) {
  await page.$eval("#status", (status) => delete status.dataset.took);
  await page.click(selector);
  await settled(page);
}

async function settled(page) {
  await page.waitForSelector("#status[data-took], #status[data-failed]");
  seen.took.push(Number(await page.getAttribute("#status", "data-took")));
  seen.lists.push(await ranked(page));
}

// Opens the page with one answer of the server changed, and returns what it says.
async function refused(page, file, change) {
  await page.route(`**/${file}`, async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: change(await response.body()) });
  });
  await page.goto(address);
  await page.waitForSelector("#status[data-failed]");
  await page.unroute(`**/${file}`);
  return page.textContent("#status");
}

function flipped(body) {
  body[body.length >> 1] ^= 1;
  return body;
}

const edited = (edit) => (body) => {
  const manifest = JSON.parse(body);
  delete manifest.checksum; // which would tell that it was edited, before anything is asked
  edit(manifest);
  return JSON.stringify(manifest);
};

async function picture(page, name, width, height, colorScheme) {
  await page.setViewportSize({ width, height });
  await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
  await page.screenshot({ path: join(shots, `${name}.png`) });
}

// Waits until the service worker has kept the page. `navigator.serviceWorker.ready` alone waits for
// ever where it could not: what is installed in vain is thrown away, and nothing tells the page.
async function keptForLater(page) {
  for (;;) {
    const state = await page.evaluate(async () => {
      const one = await navigator.serviceWorker.getRegistration();
      return one && (one.installing ?? one.waiting ?? one.active)?.state;
    });
    if (state === "activated") return;
    if (!state && seen.n_workers)
      throw new Error("the service worker came and went: not all that it keeps could be kept");
    await sleep(100);
  }
}

async function refusals(page) {
  const { refused: said } = seen;
  const version = edited((one) => (one.format_version = 2));
  const moved = edited((one) => (one.golden[0].outputs.scores[0] += 1e-3));
  const asked = [
    ["flipped", "movies.onnx", flipped],
    ["version", "movies.json", version],
    ["golden", "movies.json", moved],
  ];
  for (const [name, file, change] of asked)
    await step(`refuse a bundle: ${name}`, async () => {
      said[name] = await refused(page, file, change);
    });
}

async function drive(context) {
  const page = await step("open a page", () => context.newPage());
  // Playwright's own 30 seconds are short on a busy machine. Its error is the better one, so first.
  context.setDefaultTimeout(0.9 * SECONDS_OF_A_STEP * 1000);
  context.on("request", (request) => seen.requests.push(request.url()));
  context.on("serviceworker", () => seen.n_workers++);
  page.on("pageerror", (error) => seen.errors.push(error.message));

  await refusals(page);

  await step("open the page", async () => {
    // What an earlier version may have left.
    const left = JSON.stringify([["of another model", "liked"]]);
    await page.evaluate((taps) => localStorage.setItem("taps", taps), left);
    await page.goto(address);
    await settled(page);
    seen.status = await page.textContent("#status");
  });
  await step("tap", async () => {
    await tap(page, "#ranked .card:nth-child(3) [data-tap=liked]");
    await tap(page, "#ranked .card:nth-child(2) [data-tap=skipped]");
    await tap(page, "#ranked .card:nth-child(1) [data-tap=removed]");
  });

  await step("keep the page for later", () => keptForLater(page));
  await step("stop the server", () => server.stop());
  await step("go offline", () => context.setOffline(true));
  const n_requests = seen.requests.length;
  await step("tap offline", async () => {
    await tap(page, "#ranked .card:nth-child(5) [data-tap=liked]");
    await tap(page, "#ranked .card:nth-child(4) [data-tap=liked]");
    seen.requests_of_taps = seen.requests.slice(n_requests);
  });
  await step("tap twice before the first is answered", async () => {
    await page.$$eval("#ranked .card:nth-child(-n+2) [data-tap=skipped]", (both) =>
      both.forEach((one) => one.click()),
    );
    await page.waitForSelector("#said li:nth-child(7)");
    seen.offline = await page.textContent("#status");
    seen.said = await page.$$eval("#said li", (chips) => chips.map((chip) => chip.dataset.said));
  });

  await step("take pictures", async () => {
    await picture(page, "desktop-light", 1200, 780, "light");
    await picture(page, "desktop-dark", 1200, 780, "dark");
    await picture(page, "phone-light", 390, 780, "light");
    await picture(page, "phone-dark", 390, 780, "dark");
  });

  await step("open the page offline", async () => {
    await page.reload();
    await settled(page);
  });
  await step("look for a title", async () => {
    await page.fill("#title", "winter quiet");
    await page.waitForSelector("#ranked .card:nth-child(24)", { state: "detached" });
    seen.titles = await page.$$eval("#ranked strong", (names) =>
      names.map((one) => one.textContent),
    );
    await page.fill("#title", "");
  });
  await step("begin anew", () => tap(page, "#restart"));
  seen.origins = [...new Set(seen.requests.map((request) => new URL(request).origin))];
  delete seen.requests;
  seen.own = server.url;
  console.log(JSON.stringify(seen));
}

await withBrowser(program, { viewport: { width: 1200, height: 780 } }, drive);
