// A small picture of each piece that is in sight: only once the list stands still, and two at a time.
// What is scrolled past is never asked for, and acts and news always find a free connection.

const REST = 250; // ms
const AT_ONCE = 2;
const TRY_AGAIN = 30_000; // ms

export class Pictures {
  constructor(view) {
    this.view = view;
    this.seen = new Set(); // addresses that the browser has by now
    this.failed = new Map(); // address → when
    this.loading = new Set();
    view.onShow = () => this.look();
    this.look();
  }

  // The rows have been drawn, perhaps others than before.
  look() {
    for (const { row, element } of this.view.drawnRows())
      if (this.seen.has(addressOf(row)) && this.#lacks(element, row)) put(element, pictureOf(row));
    this.#soon();
  }

  #soon() {
    const top = this.view.grid.scrollTop;
    this.timer ??= setTimeout(() => {
      this.timer = null;
      if (this.view.grid.scrollTop === top) this.#fill();
      else this.#soon();
    }, REST);
  }

  #fill() {
    for (const { row, element } of this.view.drawnRows({ inSight: true })) {
      if (this.loading.size >= AT_ONCE) return;
      if (this.#lacks(element, row) && !this.#isInVain(addressOf(row))) this.#load(row);
    }
  }

  async #load(row) {
    const picture = pictureOf(row);
    this.loading.add(picture.address);
    try {
      await picture.decode();
      this.seen.add(picture.address);
      const now = [...this.view.drawnRows()].find((each) => addressOf(each.row) === picture.address);
      if (now) put(now.element, picture);
    } catch {
      this.failed.set(picture.address, Date.now());
    }
    this.loading.delete(picture.address);
    this.#soon();
  }

  // Until the new one is there, a piece keeps the picture that it has.
  #lacks(element, row) {
    return element.querySelector(".thumbnail")?.address !== addressOf(row);
  }

  #isInVain(address) {
    return this.loading.has(address) || Date.now() - this.failed.get(address) < TRY_AGAIN;
  }
}

// The number of the last step stands in it: the browser keeps the picture for good, and another
// model is another picture.
function addressOf(row) {
  return `/work/${row.number}/thumbnail.png?v=${row.sequence}`;
}

function pictureOf(row) {
  const picture = Object.assign(new Image(), {
    className: "thumbnail",
    alt: "", // the model's name stands beside it
    decoding: "async",
    fetchPriority: "low",
  });
  picture.address = addressOf(row);
  picture.src = picture.address;
  return picture;
}

function put(element, picture) {
  element.querySelector(".thumbnail")?.remove();
  element.append(picture);
}
