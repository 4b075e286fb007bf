// The page: keeps what was tapped, asks the ranker, draws the list. All ranking is in edgerec.js.

import * as ort from "./vendor/ort.wasm.bundle.min.mjs";
import { load } from "./edgerec.js";

const SHOWN = 24;
const NAMES = { liked: "I like it", skipped: "Not for me", removed: "Remove from the list" };
const by = (id) => document.getElementById(id);
const taps = remembered(); // [[id, "liked" | "skipped" | "removed"], …], oldest first
let films = new Map(); // id → { title, year, genres }
let kinds = []; // every genre, sorted
let before = new Map(); // id → its place in the list that is shown
let ranker;

function remembered() {
  try {
    return JSON.parse(localStorage.getItem("taps")).filter(([id, tap]) => id && NAMES[tap]);
  } catch {
    return []; // a browser that keeps nothing, or keeps nonsense
  }
}

// What is asked: the history in order, what must not come back, and what the filters leave.
function question() {
  const known = taps.filter(([id]) => films.has(id)); // another model may have been prepared
  const history = known.filter(([, tap]) => tap !== "removed");
  const words = by("title").value.toLowerCase().split(" ").filter(Boolean);
  const genre = by("genre").value;
  const fits = ([, film]) =>
    words.every((word) => film.title.toLowerCase().includes(word)) &&
    (!genre || film.genres.includes(genre));
  const filtered = words.length || genre;
  return {
    candidates: filtered ? [...films].filter(fits).map(([id]) => id) : undefined,
    history: history.map(([id]) => id),
    values: history.map(([, tap]) => ranker.eventValues[tap]),
    exclude: known.map(([id]) => id),
    k: SHOWN,
  };
}

async function rerank() {
  const asked = question();
  const start = performance.now();
  const answer = await ranker.rank(asked);
  const took = performance.now() - start;
  const draw = () => {
    drawRanked(answer);
    drawSaid();
    const counted = (asked.candidates?.length ?? films.size).toLocaleString("en");
    by("status").textContent =
      `${counted} films ranked in ${took.toFixed(1)} ms, in this browser` +
      (navigator.onLine ? "" : ", offline");
    by("status").dataset.took = took; // set last: from now on the list is the new one
  };
  if (!document.startViewTransition || matchMedia("(prefers-reduced-motion: reduce)").matches)
    return draw();
  const moving = document.startViewTransition(draw);
  moving.ready.catch(() => {}); // the next tap came before it began to move
  await moving.updateCallbackDone;
}

function drawRanked({ ids, scores }) {
  const cards = ids.map((id, place) => {
    const card = by("card").content.firstElementChild.cloneNode(true);
    const film = films.get(id);
    describe(card, id, film);
    card.querySelector("small").textContent = [film.year, ...film.genres.slice(0, 3)].join(" · ");
    card.querySelector("meter").value = scores[place];
    card.querySelector("output").textContent = `${Math.round(100 * scores[place])} %`;
    const rise = (before.get(id) ?? SHOWN) - place;
    if (before.size && rise > 0)
      card.querySelector(".rise").textContent = before.has(id) ? `▲ ${rise}` : "new";
    return card;
  });
  by("ranked").replaceChildren(...cards);
  by("nothing").hidden = ids.length > 0;
  before = new Map(ids.map((id, place) => [id, place]));
}

function drawSaid() {
  const said = taps.filter(([id]) => films.has(id)).reverse();
  const chips = said.map(([id, tap]) => {
    const chip = document.createElement("li");
    const button = document.createElement("button");
    button.append(by("card").content.querySelector(`[data-tap=${tap}] svg`).cloneNode(true));
    button.append(films.get(id).title);
    button.title = "Take it back";
    Object.assign(chip.dataset, { id, tap: "back", said: tap });
    chip.append(button);
    return chip;
  });
  by("said").replaceChildren(...chips);
  by("hint").hidden = taps.length > 0;
  by("restart").hidden = !taps.length;
}

// Names a card and gives it a cover: a colour of its first genre, the first letter of its title.
function describe(card, id, { title, genres }) {
  card.dataset.id = id;
  card.style.viewTransitionName = `film-${CSS.escape(id)}`;
  card.querySelector("strong").textContent = title;
  const cover = card.querySelector(".cover");
  cover.textContent = title[0];
  // The golden angle keeps the colours of neighbours apart.
  cover.style.setProperty("--hue", (kinds.indexOf(genres[0]) * 137.5 + 230) % 360);
  for (const button of card.querySelectorAll("button"))
    button.ariaLabel = `${NAMES[button.dataset.tap]}: ${title}`;
}

function remember(change) {
  change();
  try {
    localStorage.setItem("taps", JSON.stringify(taps));
  } catch {} // a browser that keeps nothing
  return rerank();
}

function tapped({ target }) {
  const id = target.closest("[data-id]")?.dataset.id;
  const tap = target.closest("[data-tap]")?.dataset.tap;
  const at = taps.findIndex(([known]) => known === id);
  if (tap === "back") remember(() => taps.splice(at, 1));
  else if (tap) remember(() => taps.push([id, tap]));
}

async function start() {
  ort.env.wasm.numThreads = 1; // so that the page needs no cross-origin isolation
  const listed = await (await fetch("model/titles.json")).json();
  films = new Map(listed.map(([id, title, year, genres]) => [id, { title, year, genres }]));
  kinds = [...new Set(listed.flatMap(([, , , genres]) => genres))].sort();
  by("genre").append(...kinds.map((kind) => new Option(kind, kind)));
  ranker = await load(ort, "model/movies.json");
  for (const list of ["ranked", "said"]) by(list).addEventListener("click", tapped);
  by("restart").addEventListener("click", () => remember(() => (taps.length = 0)));
  for (const filter of ["title", "genre"]) by(filter).addEventListener("input", rerank);
  await rerank();
  await navigator.serviceWorker?.register("service-worker.js");
}

start().catch((error) => {
  by("status").textContent = `${error.message} Run make web, and reload.`;
  by("status").dataset.failed = "";
});
