// The whole list in memory, newest first, whatever its length.

import { compare, rowOf, sameRow } from "./rows.js";

export class List {
  constructor(final) {
    this.final = final; // states in which a piece has left the list
    this.rows = [];
    this.byNumber = new Map();
  }

  get length() {
    return this.rows.length;
  }

  at(index) {
    return this.rows[index];
  }

  get(number) {
    return this.byNumber.get(number);
  }

  replace(rows) {
    this.rows = rows;
    this.byNumber = new Map(rows.map((row) => [row.number, row]));
  }

  // Where the row is, or would be.
  indexOf(row) {
    let low = 0;
    let high = this.rows.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compare(this.rows[middle], row) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  // What is different then: [{kind: "new" | "changed" | "gone", row, before}].
  apply(changed) {
    return changed.map(rowOf).flatMap((row) => this.put(row));
  }

  put(row) {
    const before = this.byNumber.get(row.number);
    if (before && (before.sequence > row.sequence || sameRow(before, row))) return [];
    if (this.final.has(row.state)) {
      if (!before) return [];
      this.rows.splice(this.indexOf(before), 1);
      this.byNumber.delete(row.number);
      return [{ kind: "gone", row, before }];
    }
    this.byNumber.set(row.number, row);
    // A row keeps its place for good: it never changes when the work came.
    this.rows.splice(this.indexOf(row), before ? 1 : 0, row);
    return [{ kind: before ? "changed" : "new", row, before }];
  }
}
