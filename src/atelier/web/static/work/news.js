// Tells what changes in the list from a position on: as it happens or, where the connection cannot
// be kept open, by asking again and again.

const ASK_EVERY = 2000; // ms
const PATIENCE = 4000; // ms until a connection that does not open is helped out by asking

export class News {
  // `told` has onChanges({position, rows}), onAnew(), onSource(fast), onPulse(name), onSignedOut().
  constructor(told) {
    this.told = told;
    this.position = 0;
    addEventListener("offline", () => this.stop());
    addEventListener("online", () => this.from(this.position));
    addEventListener("pagehide", () => this.stop());
  }

  from(position) {
    this.stop();
    this.position = position;
    if (!("EventSource" in window)) return this.#ask();
    // The browser connects again by itself, and says from where on.
    this.events = new EventSource(`/api/list/events?since=${position}`);
    this.events.addEventListener("open", () => {
      this.#stopAsking();
      this.told.onPulse("live");
    });
    this.events.addEventListener("changes", (event) => this.#changed(JSON.parse(event.data)));
    this.events.addEventListener("anew", () => this.told.onAnew());
    this.events.addEventListener("source", (event) =>
      this.told.onSource(JSON.parse(event.data).fast),
    );
    this.events.addEventListener("error", () => this.#lost());
    this.patience = setTimeout(() => this.#lost(), PATIENCE);
    this.events.addEventListener("open", () => clearTimeout(this.patience), { once: true });
  }

  stop() {
    this.#stopAsking();
    clearTimeout(this.patience);
    this.events?.close();
    this.events = null;
    this.told.onPulse("away");
  }

  #changed(news) {
    this.position = news.position;
    this.told.onChanges(news);
  }

  // Perhaps for a moment only: what comes of asking decides what is said about it.
  #lost() {
    if (!this.asking) this.#ask();
  }

  #ask() {
    this.asking = setTimeout(async () => {
      await this.#askOnce();
      if (!this.asking) return;
      this.#ask();
      if (this.events?.readyState === EventSource.CLOSED) this.from(this.position);
    }, ASK_EVERY);
  }

  async #askOnce() {
    try {
      const answer = await fetch(`/api/list/changes?since=${this.position}`);
      if (answer.status === 401) return this.told.onSignedOut();
      if (answer.status === 410) return this.told.onAnew();
      if (answer.status === 200) this.#changed(await answer.json());
      if (answer.ok) this.told.onPulse("asking");
    } catch {
      this.told.onPulse("away");
    }
  }

  #stopAsking() {
    clearTimeout(this.asking);
    this.asking = null;
  }
}
