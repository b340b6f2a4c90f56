// The order's model in three dimensions: the uploaded one, or the file that was just chosen.

import { measures, stageIn, stl } from "./shape.js";

const LARGEST = 40 * 1024 * 1024;

const section = document.getElementById("model-view");

if (section) {
  const figure = document.getElementById("model-stage");
  const size = document.getElementById("model-size");
  const help = document.getElementById("model-help");
  const colours = JSON.parse(section.dataset.colours);
  let stage = null;

  const show = async (buffer, name) => {
    const part = stl(buffer);
    if (!part) return false;
    size.textContent = `${measures(part)}, ${(part.positions.length / 9).toLocaleString("en")} facets`;
    const label = `The model ${name}, ${size.textContent}`;
    stage ??= await stageIn(figure, {
      label,
      help: help.id,
      colour: colours[section.dataset.metal] ?? colours["silver-925"],
    });
    stage?.describe(label);
    stage?.show([part]);
    help.hidden = !stage;
    return true;
  };

  const choose = async (input) => {
    const [file] = input.files;
    section.hidden = true;
    if (!file || file.size > LARGEST) return;
    section.querySelector(".model-view__name").textContent = file.name;
    section.hidden = !(await show(await file.arrayBuffer(), file.name));
  };

  // On the document: htmx replaces the forms while the page follows its order.
  document.addEventListener("change", ({ target }) => {
    if (target.id === "model" && target.type === "file") choose(target);
    if (target.name === "metal") stage?.colour(colours[target.value]);
  });
  figure.addEventListener("stageleft", () => {
    stage = null;
    help.hidden = true;
  });
  figure.querySelector("img").addEventListener("error", ({ target }) => target.remove());

  if (section.dataset.model && Number(section.dataset.bytes) <= LARGEST) {
    const answer = await fetch(section.dataset.model);
    if (answer.ok) await show(await answer.arrayBuffer(), section.querySelector(".model-view__name").textContent);
  }
}
