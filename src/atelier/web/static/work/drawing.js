// One row of the grid, as the server draws it too in `templates/work.html`.

import { filled } from "./saying.js";

const TO_THE_MINUTE = {
  day: "numeric",
  month: "short",
  hour: "2-digit",
  minute: "2-digit",
  hourCycle: "h23",
};

export class Drawing {
  // All words, which act follows in which state, and in which a promise is kept, are the server's:
  // templates with a name for each state, act and so on.
  constructor({ states, acts, metals, finishes, sources }, zone, noDate) {
    this.noDate = noDate; // what stands where nothing is promised yet
    this.states = new Map(spans(states).map((each) => [each.dataset.state, each.textContent]));
    this.acts = new Map(spans(states).map((each) => [each.dataset.state, each.dataset.act]));
    this.kept = new Set(spans(states).filter((each) => "kept" in each.dataset).map((each) => each.dataset.state));
    const language = document.documentElement.lang;
    this.clock = new Intl.DateTimeFormat(language, { ...TO_THE_MINUTE, timeZone: zone });
    this.words = new Map(spans(acts).map((each) => [each.dataset.act, each]));
    this.sources = new Map(spans(sources).map((each) => [each.dataset.source, each.textContent]));
    this.metals = new Map(spans(metals).map((each) => [each.dataset.metal, each.textContent]));
    this.finishes = new Map(spans(finishes).map((each) => [each.dataset.finish, each.textContent]));
  }

  stateName(state) {
    return this.states.get(state) ?? state;
  }

  // What is done by an act, within a sentence.
  actWord(act) {
    return this.words.get(act)?.dataset.word;
  }

  // A new element, or the given one brought up to date, where only what differs is touched.
  draw(row, element = this.#blank(row)) {
    if (element.row === row) return element;
    const [, state, metal, model, source, operator, since, promised, next] = element.children;
    element.dataset.state = row.state;
    this.#drawState(state, row);
    // A customer may give another model, in another metal, before the workshop begins.
    const [before, now] = [element.row, row].map((it) => it && [it.metal, it.finish, it.model].join());
    if (before !== now) {
      metal.replaceChildren(swatch(row.metal), ` ${this.#metalAndFinish(row)}`);
      model.textContent = row.model;
    }
    if (!element.row) {
      source.textContent = this.sources.get(row.source) ?? row.source;
      since.replaceChildren(this.#time(row.created / 1000));
    }
    this.#drawPromise(promised, row);
    operator.textContent = row.operator ?? "";
    this.#drawAct(next, row);
    element.row = row;
    return element;
  }

  #blank(row) {
    const element = make("div", { className: "work__row", id: `work-${row.number}` });
    element.setAttribute("role", "row");
    const classes = ["", "", "metal", "file", "less", "who", "since", "promised", "next"];
    for (const className of classes) {
      const cell = make("span", { className });
      cell.setAttribute("role", "gridcell");
      element.append(cell);
    }
    const link = { className: "number", href: `/work/${row.number}`, textContent: row.number };
    element.firstElementChild.append(make("a", link));
    return element;
  }

  #metalAndFinish(row) {
    const finish = this.finishes.get(row.finish) ?? row.finish;
    return `${this.metals.get(row.metal) ?? row.metal}, ${finish.toLowerCase()}`;
  }

  #drawPromise(cell, row) {
    // A new promise takes the place of the old one; an order that is sent back has none.
    const shown = cell.querySelector("time");
    const before = shown ? Date.parse(shown.dateTime) : null;
    const promised = row.promised ? row.promised * 1000 : null;
    if (!cell.hasChildNodes() || before !== promised)
      cell.replaceChildren(promised ? this.#time(promised) : this.noDate);
    cell.classList.toggle("overdue", this.#isOverdue(row));
  }

  #isOverdue(row) {
    return row.promised !== null && !this.kept.has(row.state) && row.promised * 1000 < Date.now();
  }

  #time(milliseconds) {
    const at = new Date(milliseconds);
    const part = Object.fromEntries(
      this.clock.formatToParts(at).map((each) => [each.type, each.value]),
    );
    const text = `${part.day} ${part.month}, ${part.hour}:${part.minute}`;
    return make("time", { dateTime: at.toISOString(), textContent: text });
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
    cell.replaceChildren(...(act ? [form(row.number, act, this.words.get(act))] : []));
    if (hadFocus) cell.closest(".work__row").focus({ preventScroll: true });
  }
}

function form(number, act, words) {
  const button = make("button", {
    className: act === "take" ? "button button--first" : "button",
    textContent: words.textContent,
    ariaLabel: filled(words.dataset.label, { number }),
  });
  button.dataset.act = act;
  const element = make("form", { className: "act" });
  element.append(button);
  return element;
}

function swatch(code) {
  const element = make("span", { className: "swatch" });
  element.dataset.metal = code;
  return element;
}

function make(name, properties) {
  return Object.assign(document.createElement(name), properties);
}

function spans(template) {
  return [...template.content.children];
}
