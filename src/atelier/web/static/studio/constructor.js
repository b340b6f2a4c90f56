// The constructor while it is edited: price and piece follow the form. Where the browser draws
// nothing in three dimensions, the server's picture follows instead.

import { piece, stageIn } from "./shape.js";

const PAUSE = 180;
const NOT_THE_SHAPE = ["metal", "finish", "view", "design"];

const form = document.getElementById("studio");
const figure = document.getElementById("stage");
const help = document.getElementById("stage-help");

let stage = null;
let shown = "";
let running = new AbortController();
let timer = 0;

form.elements["show-piece"].hidden = true;
for (const input of form.querySelectorAll(".field--length input")) addSlider(input);
form.addEventListener("input", (event) => {
  if (event.target.name === "metal") stage?.colour(event.target.dataset.colour);
  if (event.target.name === "view" && stage) return stage.look(event.target.value);
  clearTimeout(timer);
  timer = setTimeout(refresh, PAUSE);
});
figure.addEventListener("stageleft", () => {
  stage = null;
  help.hidden = true;
  refresh();
});
begin();

async function begin() {
  stage = await stageIn(figure, {
    label: words(),
    help: help.id,
    colour: form.querySelector("[name=metal]:checked").dataset.colour,
    view: form.elements.view.value,
  });
  if (stage) await showShape(query(), running.signal);
}

function query() {
  return new URLSearchParams(new FormData(form));
}

function words() {
  return document.getElementById("estimate").dataset.words;
}

async function refresh() {
  running.abort();
  running = new AbortController();
  const { signal } = running;
  const asked = query();
  history.replaceState(null, "", `/studio?${asked}`);
  try {
    const faults = await showEstimate(asked, signal);
    if (faults.length) return;
    if (stage) await showShape(asked, signal);
    else showPicture(asked);
  } catch (error) {
    // Either the next change overtook this one, or the server is out of reach: then what was last
    // seen stays, and the next change tries again.
    if (error.name !== "AbortError" && !(error instanceof TypeError)) throw error;
  }
}

async function showEstimate(asked, signal) {
  const answer = await fetch(`/studio/estimate?${asked}`, { signal });
  if (!answer.ok) return ["unknown"];
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const estimate = page.getElementById("estimate");
  for (const id of ["estimate", "estimate-facts"])
    document.getElementById(id).replaceWith(page.getElementById(id));
  const faults = estimate.dataset.faults.split(" ").filter(Boolean);
  for (const control of form.elements) {
    if (faults.includes(control.name)) control.setAttribute("aria-invalid", "true");
    else control.removeAttribute("aria-invalid");
  }
  figure.classList.toggle("stage--stale", faults.length > 0);
  return faults;
}

async function showShape(asked, signal) {
  const key = new URLSearchParams(asked);
  NOT_THE_SHAPE.forEach((name) => key.delete(name));
  stage.describe(words());
  if (key.toString() === shown) return;
  const answer = await fetch(`/studio/shape?${asked}`, { signal });
  if (!answer.ok) return;
  stage.show(piece(await answer.arrayBuffer()));
  shown = key.toString();
  help.hidden = false;
  figure.querySelector(".stage__none")?.remove();
}

function showPicture(asked) {
  const picture = figure.querySelector("img");
  picture.src = `/studio/picture.png?${asked}`;
  picture.alt = words();
  picture.hidden = false;
  figure.querySelector(".stage__none")?.remove();
}

function addSlider(input) {
  const slider = document.createElement("input");
  Object.assign(slider, { type: "range", min: input.min, max: input.max, step: input.step, value: input.value });
  slider.className = "slider";
  slider.setAttribute("aria-label", input.dataset.slider);
  slider.addEventListener("input", () => (input.value = slider.value));
  input.addEventListener("input", () => (slider.value = input.value));
  input.after(slider);
}
