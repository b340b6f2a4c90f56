// The order's model in three dimensions: the uploaded one, or the file that was just chosen.

import { measures, stageIn, stl } from "./shape.js";

const LARGEST = 40 * 1024 * 1024;

const section = document.getElementById("model-view");
if (section) follow();

function follow() {
  const figure = document.getElementById("model-stage");
  const picture = figure.querySelector("img");
  const size = document.getElementById("model-size");
  const help = document.getElementById("model-help");
  const name = section.querySelector(".model-view__name");
  const colours = JSON.parse(section.dataset.colours);
  let stage = null;
  let wanted = null;

  // Nothing is fetched or drawn before somebody comes to look at it.
  const onSight = new IntersectionObserver(async (entries) => {
    if (!wanted || !entries.some((entry) => entry.isIntersecting)) return;
    const show = wanted;
    wanted = null;
    await show();
  });
  const showWhenSeen = (show) => {
    wanted = show;
    onSight.unobserve(section);
    onSight.observe(section);
  };

  const put = async (part) => {
    const label = `The model ${name.textContent}, ${size.textContent}`;
    stage ??= await stageIn(figure, {
      label,
      help: help.id,
      colour: colours[section.dataset.metal] ?? colours["silver-925"],
    });
    stage?.describe(label);
    stage?.show([part]);
    help.hidden = !stage;
  };

  const tell = (part) => {
    const facets = (part.positions.length / 9).toLocaleString("en");
    size.textContent = `${measures(part)}, ${facets} facets`;
  };

  const choose = async ([file]) => {
    const part = file && file.size <= LARGEST ? stl(await file.arrayBuffer()) : null;
    section.hidden = !part;
    if (!part) return;
    name.textContent = file.name;
    tell(part);
    showWhenSeen(() => put(part));
  };

  const showUploaded = async () => {
    const answer = Number(section.dataset.bytes) <= LARGEST && (await fetch(section.dataset.model));
    const part = answer && answer.ok ? stl(await answer.arrayBuffer()) : null;
    if (part) {
      tell(part);
      await put(part);
    }
    if (!stage) showPicture();
  };

  const showPicture = () => {
    if (!picture.dataset.src) return;
    picture.src = picture.dataset.src;
    picture.hidden = false;
  };

  // On the document: htmx replaces the forms while the page follows its order.
  document.addEventListener("change", ({ target }) => {
    if (target.id === "model" && target.type === "file") choose(target.files);
    if (target.name === "metal") stage?.colour(colours[target.value]);
  });
  figure.addEventListener("stageleft", () => {
    stage = null;
    help.hidden = true;
    showPicture();
  });
  picture.addEventListener("error", () => (picture.hidden = true));
  if (section.dataset.model) showWhenSeen(showUploaded);
}
