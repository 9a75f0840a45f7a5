/* <cm-countdown data-until="…" data-seconds="58">: ticks by itself, from how long it was when it was told. */
class Countdown extends HTMLElement {
  static observedAttributes = ["data-until"];
  connectedCallback() { this.tick(); this.timer = setInterval(() => this.tick(), 250); }
  disconnectedCallback() { clearInterval(this.timer); }
  attributeChangedCallback() { queueMicrotask(() => this.begin()); }
  begin() {
    this.end = this.dataset.until ? Date.now() + 1000 * Number(this.dataset.seconds) : null;
    this.tick();
  }
  tick() {
    const text = this.end ? this.words(Math.ceil((this.end - Date.now()) / 1000)) : "";
    if (text !== this.textContent) this.textContent = text;
  }
  words(left) {
    if (left <= 0) return " (now)";
    const days = Math.floor(left / 86400), hours = Math.floor(left / 3600) % 24;
    const minutes = Math.floor(left / 60) % 60;
    if (days) return ` (in ${days} d ${hours} h)`; // with its units: 21:26 would read as a time of day
    if (hours) return ` (in ${hours} h ${minutes} min)`;
    return minutes ? ` (in ${minutes} min ${left % 60} s)` : ` (in ${left} s)`;
  }
}
customElements.get("cm-countdown") || customElements.define("cm-countdown", Countdown);
