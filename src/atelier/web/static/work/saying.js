// What the page says about changes: in a live region, for those who do not see them. Not more often
// than can be listened to, and in few words when much happens.

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
      told.length <= FEW ? told.map(this.describe).join(" ") : summary(told);
  }
}

function summary(told) {
  const count = (kind) => told.filter((each) => each.kind === kind).length;
  const parts = [
    [count("new"), "new"],
    [count("changed"), "changed"],
    [count("gone"), "finished"],
  ];
  const words = parts.filter(([number]) => number).map(([number, what]) => `${number} ${what}`);
  return `${words.join(", ")}.`;
}
