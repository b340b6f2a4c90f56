// The page with the list of all work: what ties the parts together.

import { act, lookUp, Refused } from "./acts.js";
import { Drawing } from "./drawing.js";
import { List } from "./list.js";
import { News } from "./news.js";
import { fetchWhole, SignedOut } from "./rows.js";
import { counted, filled, Saying } from "./saying.js";
import { View } from "./view.js";

const PLACE = "atelier.work.place";
const RETRY = 2000; // ms

const find = (id) => document.getElementById(id);
const grid = find("work");
const drawing = new Drawing(
  {
    states: find("work-states"),
    acts: find("work-acts"),
    metals: find("work-metals"),
    finishes: find("work-finishes"),
    sources: find("work-sources"),
  },
  grid.dataset.zone,
  grid.dataset.noDate,
);
const list = new List(new Set(grid.dataset.final.split(" ")));
const view = new View(grid, list, (row, element) => drawing.draw(row, element));
const saying = new Saying(find("work-news"), describe);
const news = new News({
  onChanges: ({ rows }) => changed(view.keepingPlace(() => list.apply(rows))),
  onAnew: load,
  onSource: (fast) => say(find("work-source"), fast ? "" : find("work-source").dataset.slow),
  onPulse: pulse,
  onSignedOut: signIn,
});

let pictures = null;

async function load() {
  news.stop();
  pulse("opening");
  try {
    const whole = await fetchWhole();
    if (grid.classList.contains("work--whole")) view.keepingPlace(() => list.replace(whole.rows));
    else begin(whole.rows);
    count();
    news.from(whole.position);
  } catch (error) {
    if (error instanceof SignedOut) return signIn();
    pulse("away");
    setTimeout(load, RETRY);
  }
}

function begin(rows) {
  list.replace(rows);
  view.begin();
  find("work-jump").hidden = false;
  const place = JSON.parse(sessionStorage.getItem(PLACE) ?? "null");
  const row = place && list.get(place.number);
  const [entry] = performance.getEntriesByType("navigation");
  if (row && entry?.type !== "navigate") view.scrollTo(list.indexOf(row), place.offset);
}

function changed(changes) {
  count();
  for (const { kind, row } of changes) if (kind !== "gone") view.highlight(row.number);
  saying.changed(changes);
}

function describe({ kind, row }) {
  const words = find("work-news").dataset;
  const { number, operator } = row;
  if (kind === "new") return filled(words.new, { number });
  const state = drawing.stateName(row.state);
  const byWhom = operator && kind === "changed";
  return filled(byWhom ? words.changedBy : words.changed, { number, state, operator });
}

function count() {
  find("work-count").textContent = counted(find("work-count"), list.length);
  find("work-none").hidden = list.length > 0;
  grid.hidden = list.length === 0;
}

function pulse(name) {
  find("work-pulse").dataset.pulse = name;
  say(find("work-pulse-text"), find("work-pulse").dataset[name]);
  if (name === "live" || name === "asking") showPictures();
}

// Not before the list is there and told of news: until then nothing is loaded for pictures' sake.
function showPictures() {
  pictures ??= import("./pictures.js").then(({ Pictures }) => new Pictures(view));
}

function say(element, text) {
  if (element.textContent.trim() !== text) element.textContent = text;
}

function signIn() {
  location.assign("/sign-in?next=/work");
}

// Acts

async function does(number, name, details) {
  find("work-problem").replaceChildren();
  try {
    became(await act(number, name, details));
  } catch (error) {
    if (error instanceof SignedOut) return signIn();
    if (!(error instanceof Refused)) throw error;
    find("work-problem").append(alert(error));
    // What the row showed was out of date, perhaps.
    lookUp(number).then(became, () => {});
  }
}

function became({ number, sequence, state, operator }) {
  const row = list.get(number);
  if (row) changed(view.keepingPlace(() => list.put({ ...row, sequence, state, operator })));
}

function alert({ title, detail }) {
  const template = find("work-alert");
  const element = template.content.firstElementChild.cloneNode(true);
  element.querySelector("strong").textContent = title ?? template.dataset.title;
  element.querySelector("p").textContent = detail ?? template.dataset.detail;
  return element;
}

function begins(number, name) {
  if (name !== "ship") return does(number, name);
  const dialog = find("work-ship");
  const title = find("ship-words");
  title.textContent = filled(title.dataset.words, { number });
  dialog.dataset.number = number;
  dialog.querySelector("form").reset();
  dialog.showModal();
}

find("work-ship").addEventListener("close", (event) => {
  const dialog = event.target;
  if (dialog.returnValue === "ship")
    does(dialog.dataset.number, "ship", { tracking_number: find("tracking-number").value });
});
find("ship-cancel").addEventListener("click", () => find("work-ship").close("cancel"));

grid.addEventListener("submit", (event) => {
  if (!grid.classList.contains("work--whole")) return;
  event.preventDefault();
  const number = event.target.closest(".work__row").id.replace("work-", "");
  view.makeCurrent(number);
  begins(number, event.submitter.dataset.act);
});

// Keyboard

const MOVES = {
  ArrowDown: () => view.currentIndex + 1,
  ArrowUp: () => view.currentIndex - 1,
  PageDown: () => view.currentIndex + view.rowsInSight,
  PageUp: () => view.currentIndex - view.rowsInSight,
  Home: () => 0,
  End: () => list.length - 1,
};

const KEYS = new Map(["take", "complete", "pack", "ship"].map((name) => [name[0], name]));

// Says why a key does nothing with this piece, to the eye and in the live region. What is said
// twice has to be new each time, or it is not spoken.
function refuses(row, wanted, next) {
  const region = find("work-refused");
  const words = next ? region.dataset.other : region.dataset.none;
  const values = {
    number: row.number,
    state: drawing.stateName(row.state),
    wanted: drawing.actWord(wanted),
    act: drawing.actWord(next),
    key: next && next[0].toUpperCase(),
  };
  requestAnimationFrame(() => {
    region.textContent = filled(words, values);
  });
}

grid.addEventListener("keydown", (event) => {
  find("work-refused").textContent = "";
  const element = event.target.closest(".work__row[id]");
  if (!element || event.ctrlKey || event.metaKey || event.altKey) return;
  const row = list.get(element.id.replace("work-", ""));
  if (!row) return;
  view.makeCurrent(row.number);
  const next = drawing.acts.get(row.state);
  // On a keyboard with other letters, such as a Russian one, by where the key lies.
  const isLatin = /^[a-z]$/i.test(event.key);
  const wanted = KEYS.get((isLatin ? event.key : event.code.replace("Key", "")).toLowerCase());
  if (event.key in MOVES) view.focus(MOVES[event.key]());
  else if (event.key === "Enter" && event.target === element) location.assign(`/work/${row.number}`);
  else if (wanted && wanted === next) begins(row.number, next);
  else if (wanted) refuses(row, wanted, next);
  else return;
  event.preventDefault();
});

grid.addEventListener("focusin", (event) => {
  const element = event.target.closest(".work__row[id]");
  if (element && list.length) view.makeCurrent(element.id.replace("work-", ""));
});

// Jump to a number

find("work-jump").addEventListener("submit", (event) => {
  event.preventDefault();
  const wanted = new FormData(event.target).get("number").trim().toUpperCase();
  const number = wanted.startsWith("AT-") ? wanted : `AT-${wanted}`;
  const row = list.get(number);
  find("work-found").textContent = "";
  if (row) return view.focus(list.indexOf(row));
  const words = find("work-found").dataset;
  const link = Object.assign(document.createElement("a"), {
    href: `/work/${encodeURIComponent(number)}`,
    textContent: words.link,
  });
  find("work-found").append(`${filled(words.none, { number })} `, link);
});

// Back from a piece, the list stands where it stood.

addEventListener("pagehide", () => {
  const place = view.place();
  if (place) sessionStorage.setItem(PLACE, JSON.stringify(place));
});

load();
