// What the page says about changes: in a live region, for those who do not see them. Not more often
// than can be listened to, and in few words when much happens.

const LANGUAGE = document.documentElement.lang;
const KINDS = new Intl.PluralRules(LANGUAGE);

// The page's words with values in the place of `{name}`.
export function filled(words, values) {
  return words.replace(/{(\w+)}/g, (_, name) => values[name]);
}

// The words for this number, of those that an element has for each kind of number.
export function counted(element, count) {
  const words = element.dataset[KINDS.select(count)];
  return filled(words, { count: count.toLocaleString(LANGUAGE) });
}

const GATHER = 1000; // ms
const FEW = 3;

export class Saying {
  constructor(region, describe) {
    this.region = region;
    this.describe = describe; // one change → a sentence
    this.waiting = [];
  }

  changed(changes) {
    if (!changes.length) return;
    this.waiting.push(...changes);
    this.timer ??= setTimeout(() => this.#say(), GATHER);
  }

  #say() {
    const told = this.waiting;
    this.waiting = [];
    this.timer = null;
    this.region.textContent =
      told.length <= FEW ? told.map(this.describe).join(" ") : this.#summary(told);
  }

  #summary(told) {
    const words = this.region.dataset;
    const parts = [
      ["new", words.countNew],
      ["changed", words.countChanged],
      ["gone", words.countGone],
    ];
    return parts
      .map(([kind, what]) => [told.filter((each) => each.kind === kind).length, what])
      .filter(([count]) => count)
      .map(([count, what]) => filled(what, { count: count.toLocaleString(LANGUAGE) }))
      .join(", ")
      .concat(".");
  }
}
