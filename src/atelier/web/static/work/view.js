// Shows that part of the list which is in sight, as rows of a grid. All rows are equally high, so
// the place of each is known without drawing the others.

const BEYOND = 6; // rows drawn above and below what is in sight

export class View {
  constructor(grid, list, draw) {
    this.grid = grid;
    this.body = grid.querySelector(".work__rows");
    this.list = list;
    this.draw = draw; // (row, element or undefined) → element
    this.drawn = new Map(); // by number
    this.current = null; // the number of the row that the Tab key comes to
    this.height = 0;
    this.onShow = () => {};
    grid.addEventListener("scroll", () => this.#soon(), { passive: true });
    new ResizeObserver(() => this.#measure()).observe(grid);
  }

  // Takes over from what the server has drawn.
  begin() {
    const focused = document.activeElement?.closest?.(".work__row[id]");
    this.current = focused?.id.replace("work-", "") ?? null;
    for (const element of this.body.querySelectorAll(".work__row"))
      this.drawn.set(element.id.replace("work-", ""), element);
    this.grid.classList.add("work--whole");
    this.#measure();
  }

  // The same rows stay where they are on the screen while `change` changes the list around them;
  // only at the very top, what is new comes into sight.
  keepingPlace(change) {
    const top = this.grid.scrollTop;
    const first = top < this.height / 2 ? null : this.list.at(Math.floor(top / this.height));
    const offset = first ? top % this.height : 0;
    const current = this.currentIndex;
    const hadFocus = this.body.contains(document.activeElement);
    const result = change();
    this.#stretch();
    if (first) this.grid.scrollTop = this.list.indexOf(first) * this.height + offset;
    // The piece with the focus has left: the one that came into its place gets it.
    if (hadFocus && !this.list.get(this.current)) this.focus(current);
    else this.show();
    return result;
  }

  show() {
    if (!this.height) return;
    const first = Math.max(0, Math.floor(this.grid.scrollTop / this.height) - BEYOND);
    const inSight = Math.ceil(this.grid.clientHeight / this.height);
    const last = Math.min(this.list.length, first + inSight + 2 * BEYOND);
    const wanted = new Map();
    const currentRow = this.current === null ? undefined : this.list.get(this.current);
    if (!currentRow) this.current = this.list.at(first === 0 ? 0 : first + BEYOND)?.number ?? null;
    // The row with the focus stays drawn wherever it is, or the focus would be lost.
    const kept = currentRow ? [this.list.indexOf(currentRow)] : [];
    const indexes = new Set([...kept, ...Array.from({ length: last - first }, (_, i) => first + i)]);
    for (const index of [...indexes].sort((one, other) => one - other))
      wanted.set(this.list.at(index).number, index);
    for (const [number, element] of this.drawn)
      if (!wanted.has(number)) {
        element.remove();
        this.drawn.delete(number);
      }
    let before = null;
    for (const [number, index] of wanted) {
      const element = this.draw(this.list.at(index), this.drawn.get(number));
      this.drawn.set(number, element);
      const next = before ? before.nextElementSibling : this.body.firstElementChild;
      // Only new elements are put in: one that is moved would lose the focus.
      if (!element.isConnected) this.body.insertBefore(element, next);
      element.setAttribute("aria-rowindex", index + 2);
      element.style.transform = `translateY(${index * this.height}px)`;
      this.#reachable(element, number === this.current);
      before = element;
    }
    this.onShow();
  }

  // Each with its element, from the top: those that are drawn, or those of them that are in sight.
  drawnRows({ inSight = false } = {}) {
    const [top, bottom] = [this.grid.scrollTop, this.grid.scrollTop + this.grid.clientHeight];
    const isThere = ({ at }) => !inSight || (at < bottom && at + this.height > top);
    return [...this.drawn]
      .map(([number, element]) => ({ row: this.list.get(number), element }))
      .filter(({ row }) => row)
      .map((each) => ({ ...each, at: this.list.indexOf(each.row) * this.height }))
      .filter(isThere)
      .sort((one, other) => one.at - other.at);
  }

  focus(index) {
    const row = this.list.at(Math.max(0, Math.min(this.list.length - 1, index)));
    if (!row) return;
    this.current = row.number;
    this.#bringIntoSight(this.list.indexOf(row));
    this.show();
    this.drawn.get(row.number).focus({ preventScroll: true });
  }

  // Where it stands, and back there.
  place() {
    const first = this.height && this.list.at(Math.floor(this.grid.scrollTop / this.height));
    return first && { number: first.number, offset: this.grid.scrollTop % this.height };
  }

  scrollTo(index, offset) {
    this.grid.scrollTop = index * this.height + offset;
    this.show();
  }

  // For a moment, so that the eye catches it.
  highlight(number) {
    const element = this.drawn.get(number);
    if (!element) return;
    element.classList.add("work__row--news");
    element.addEventListener("animationend", () => element.classList.remove("work__row--news"), {
      once: true,
    });
  }

  get currentIndex() {
    const row = this.current === null ? undefined : this.list.get(this.current);
    return row ? this.list.indexOf(row) : 0;
  }

  get rowsInSight() {
    return Math.max(1, Math.floor((this.grid.clientHeight - this.#headHeight()) / this.height) - 1);
  }

  // Made the one that the Tab key comes to, without being given the focus.
  makeCurrent(number) {
    if (this.current === number) return;
    this.current = number;
    for (const [each, element] of this.drawn) this.#reachable(element, each === number);
  }

  #reachable(element, isCurrent) {
    const tabIndex = isCurrent ? 0 : -1;
    element.tabIndex = tabIndex;
    for (const control of element.querySelectorAll("a, button")) control.tabIndex = tabIndex;
  }

  #bringIntoSight(index) {
    const top = index * this.height;
    const room = this.grid.clientHeight - this.#headHeight() - this.height;
    if (top < this.grid.scrollTop) this.grid.scrollTop = top;
    else if (top > this.grid.scrollTop + room) this.grid.scrollTop = top - room;
  }

  #headHeight() {
    return this.grid.querySelector(".work__head").offsetHeight;
  }

  #measure() {
    const before = this.height;
    const first = before ? this.grid.scrollTop / before : 0;
    // Written in the style sheet, where a narrow screen has another one.
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    this.height = parseFloat(getComputedStyle(this.grid).getPropertyValue("--row")) * rem;
    this.#stretch();
    if (before && before !== this.height) this.grid.scrollTop = first * this.height;
    this.show();
  }

  #stretch() {
    this.body.style.height = `${this.list.length * this.height}px`;
    this.grid.setAttribute("aria-rowcount", this.list.length + 1);
  }

  #soon() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.show();
    });
  }
}
