// The model of an order in three dimensions, in place of its picture: the one that is kept, or the
// file that was just chosen. Where nothing is drawn in three dimensions, the server's picture stays.

import { measures, stageIn, stl } from "./shape.js";

const LARGEST = 40 * 1024 * 1024;

const section = document.getElementById("model-view");
if (section) follow();

function follow() {
  const figure = document.getElementById("model-stage");
  const picture = figure.querySelector("img");
  const none = document.getElementById("model-none");
  const size = document.getElementById("model-size");
  const help = document.getElementById("model-help");
  const name = section.querySelector(".model-view__name");
  const colours = JSON.parse(section.dataset.colours);
  let stage = null;
  let wanted = null;

  // No model is fetched or drawn before somebody comes to look at it.
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
    const label = filled(section.dataset.label, { name: name.textContent, size: size.textContent });
    stage ??= await stageIn(figure, {
      label,
      help: help.id,
      colour: colours[section.dataset.metal] ?? colours["silver-925"],
    });
    stage?.describe(label);
    stage?.show([part]);
    help.hidden = !stage;
    tellIfThereIsNothing();
  };

  const tell = (part) => {
    size.textContent = filled(section.dataset.measures, {
      size: measures(part),
      facets: facets(part.positions.length / 9),
    });
  };

  const choose = async ([file]) => {
    const part = file && file.size <= LARGEST ? stl(await file.arrayBuffer()) : null;
    section.hidden = !part;
    if (!part) return;
    name.textContent = file.name;
    tell(part);
    showWhenSeen(() => put(part));
  };

  const showKept = async () => {
    const part = await kept(section.dataset.model);
    if (!part) return;
    tell(part);
    await put(part);
  };

  // Neither a stage nor a picture: in words, instead of an empty place.
  const tellIfThereIsNothing = () => {
    if (picture && failed(picture)) picture.remove();
    none.textContent = none.dataset.without;
    none.hidden = Boolean(stage) || figure.contains(picture);
  };

  // On the document: htmx replaces the forms while the page follows its order.
  document.addEventListener("change", ({ target }) => {
    if (target.id === "model" && target.type === "file") choose(target.files);
    if (target.name === "metal") stage?.colour(colours[target.value]);
  });
  figure.addEventListener("stageleft", () => {
    stage = null;
    help.hidden = true;
    if (picture) picture.hidden = false;
    tellIfThereIsNothing();
  });
  picture?.addEventListener("error", tellIfThereIsNothing);
  if (picture && failed(picture)) tellIfThereIsNothing();
  if (section.dataset.model) showWhenSeen(showKept);
}

// The page brings the forms of the language that it is in.
function facets(count) {
  const language = document.documentElement.lang;
  const form = new Intl.PluralRules(language).select(count);
  return filled(section.getAttribute(`data-facets-${form}`), { count: count.toLocaleString(language) });
}

// Without a look at what was put in: a file may be called "{size}".
function filled(text, values) {
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

// Also where it failed before this script was there to hear of it.
function failed(picture) {
  return picture.complete && picture.naturalWidth === 0 && picture.getAttribute("src") !== "";
}

async function kept(address) {
  try {
    const answer = await fetch(address);
    const length = Number(answer.headers.get("Content-Length") ?? 0);
    if (answer.ok && length <= LARGEST) return stl(await answer.arrayBuffer());
    await answer.body?.cancel();
  } catch {
    // Out of reach, or not to be read: the picture stays.
  }
  return null;
}
