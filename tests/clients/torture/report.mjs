// What a run has seen, counted by kind of fault, and printed at its end: as a table or as JSON.

const two_at_once = "two at once";

export class Report {
  constructor({ seed, nodes, replicas, cannot }) {
    Object.assign(this, { seed, nodes, replicas, cannot });
    this.rounds = 0;
    this.acknowledged = 0;
    this.documents = 0;
    this.late_reads = 0; // a client that came was in step before it had all that others had been promised
    this.by_kind = {};
    this.longest_silence_ms = 0; // nothing was acknowledged in a document where people typed
    this.longest_healing_ms = 0; // until all agreed, after a fault was undone
  }

  /**
   * A step is over: these kinds were done, for so long nothing was acknowledged in some document, and after so long all
   * agreed. Two faults at once may leave no majority, and so have a line of their own.
   */
  add(kinds, { silence_ms, healing_ms }) {
    this.rounds += 1;
    for (const kind of kinds) this.of_(kind).survived += 1;
    for (const of_kind of [this, this.of_(kinds.length > 1 ? two_at_once : kinds[0])]) {
      of_kind.longest_silence_ms = Math.max(of_kind.longest_silence_ms ?? 0, Math.round(silence_ms));
      of_kind.longest_healing_ms = Math.max(of_kind.longest_healing_ms ?? 0, Math.round(healing_ms));
    }
  }
  of_(kind) {
    return (this.by_kind[kind] ??= { survived: 0 });
  }

  count({ acknowledged, all_rooms, late_reads }) {
    Object.assign(this, { acknowledged, documents: all_rooms.length, late_reads });
  }

  get faults() {
    return Object.values(this.by_kind).reduce((sum, { survived }) => sum + survived, 0);
  }

  toJSON() {
    return { ...this, faults: this.faults };
  }

  table() {
    const row = (...cells) => cells.map((cell, at) => (at === 0 ? String(cell).padEnd(22) : String(cell).padStart(20))).join("");
    const lines = [row("fault", "survived", "longest silence ms", "agreed after ms")];
    for (const [kind, of_kind] of Object.entries(this.by_kind).sort(([a], [b]) => a.localeCompare(b)))
      lines.push(row(kind, of_kind.survived || "", of_kind.longest_silence_ms ?? "", of_kind.longest_healing_ms ?? ""));
    lines.push(row("all", this.faults, this.longest_silence_ms, this.longest_healing_ms));
    lines.push(
      "",
      `seed ${this.seed}: ${this.nodes} nodes, ${this.replicas} replicas, ${this.rounds} rounds, ${this.faults} faults, ${this.acknowledged} acknowledged edits in ${this.documents} documents, ${this.late_reads} late reads`,
    );
    for (const [what, why] of Object.entries(this.cannot)) lines.push(`left out: ${what} (${why})`);
    return lines.join("\n");
  }
}
