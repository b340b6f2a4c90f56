// One row of the grid, as the server draws it too (see `templates/work.html`).

const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

export class Drawing {
  // The names of states and metals, and which act follows in which state, are the server's.
  constructor(states, metals) {
    this.states = new Map(spans(states).map((each) => [each.dataset.state, each.textContent]));
    this.acts = new Map(spans(states).map((each) => [each.dataset.state, each.dataset.act]));
    this.metals = new Map(spans(metals).map((each) => [each.dataset.metal, each.textContent]));
  }

  stateName(state) {
    return this.states.get(state) ?? state;
  }

  // A new element, or the given one brought up to date, where only what differs is touched.
  draw(row, element = this.#blank(row)) {
    if (element.row === row) return element;
    const [, state, metal, model, source, operator, since, next] = element.children;
    element.dataset.state = row.state;
    this.#drawState(state, row);
    if (!element.row) {
      metal.replaceChildren(swatch(row.metal), ` ${this.metals.get(row.metal) ?? row.metal}`);
      model.textContent = row.model;
      source.textContent = row.source[0].toUpperCase() + row.source.slice(1);
      since.replaceChildren(time(row.created));
    }
    operator.textContent = row.operator ?? "";
    this.#drawAct(next, row);
    element.row = row;
    return element;
  }

  #blank(row) {
    const element = make("div", { className: "work__row", id: `work-${row.number}` });
    element.setAttribute("role", "row");
    const classes = ["", "", "whole", "file", "less", "who", "since whole", "next"];
    for (const className of classes) {
      const cell = make("span", { className });
      cell.setAttribute("role", "gridcell");
      element.append(cell);
    }
    const link = { className: "number", href: `/work/${row.number}`, textContent: row.number };
    element.firstElementChild.append(make("a", link));
    return element;
  }

  #drawState(cell, row) {
    const shown = cell.querySelector(".state");
    if (shown?.dataset.state === row.state) return;
    const state = make("span", { className: "state", textContent: this.stateName(row.state) });
    state.dataset.state = row.state;
    cell.replaceChildren(state);
  }

  #drawAct(cell, row) {
    const act = this.acts.get(row.state);
    const button = cell.querySelector("button");
    if ((button?.dataset.act ?? "") === (act ?? "")) return;
    const hadFocus = cell.contains(document.activeElement);
    cell.replaceChildren(...(act ? [form(row.number, act)] : []));
    if (hadFocus) cell.closest(".work__row").focus({ preventScroll: true });
  }
}

function form(number, act) {
  const name = act[0].toUpperCase() + act.slice(1);
  const button = make("button", {
    className: act === "take" ? "button button--first" : "button",
    textContent: name,
    ariaLabel: `${name} ${number}`,
  });
  button.dataset.act = act;
  const back = make("input", { type: "hidden", name: "back", value: "list" });
  const element = make("form", { method: "post", action: `/work/${number}/${act}` });
  element.append(back, button);
  return element;
}

function swatch(code) {
  const element = make("span", { className: "swatch" });
  element.dataset.metal = code;
  return element;
}

function time(microseconds) {
  const at = new Date(microseconds / 1000);
  const clock = at.toISOString().slice(11, 16);
  const text = `${at.getUTCDate()} ${MONTHS[at.getUTCMonth()]}, ${clock}`;
  return make("time", { dateTime: at.toISOString(), textContent: text });
}

function make(name, properties) {
  return Object.assign(document.createElement(name), properties);
}

function spans(template) {
  return [...template.content.children];
}
