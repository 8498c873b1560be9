// Who is here: the user's own name and colour, and those of the others. What comes from the network is another page's
// word, so its name is cut and its colour is used only if it is one.

import { useSyncExternalStore } from "react";
import type { Awareness } from "y-protocols/awareness";

export interface Person {
  readonly name: string;
  readonly color: string;
}

export interface Present extends Person {
  readonly client_id: number;
  readonly is_me: boolean;
}

const name_length_max = 40;
const name_key = "octavo.name";
const fallback_color = "#57606f";

/** White text is readable on each of them, and each stands out on paper and on the dark page. */
const colors = [
  "#b4472e",
  "#8f5f00",
  "#4b7a1f",
  "#0c7a6c",
  "#1c6fb5",
  "#5a5bd0",
  "#9340b0",
  "#b8327f",
  "#a03a52",
  "#3d6f8e",
] as const;

const adjectives = ["Quiet", "Amber", "Early", "Gentle", "Silver", "Bright", "Patient", "Distant", "Merry", "Mossy"];
const animals = ["Heron", "Otter", "Finch", "Badger", "Wren", "Hare", "Marten", "Swift", "Lynx", "Robin"];

function pick<T>(list: readonly T[]): T {
  return list[Math.floor(Math.random() * list.length)] as T;
}

function stored(storage: () => Storage): string | null {
  try {
    return storage().getItem(name_key);
  } catch {
    return null;
  }
}

export function clean_name(name: unknown): string {
  return typeof name === "string" ? name.replace(/\s+/g, " ").trim().slice(0, name_length_max) : "";
}

export function clean_person(user: unknown): Person {
  const { name, color } = (typeof user === "object" && user !== null ? user : {}) as Record<string, unknown>;
  return {
    name: clean_name(name) || "Someone",
    color: typeof color === "string" && /^#[0-9a-f]{6}$/i.test(color) ? color : fallback_color,
  };
}

/** The name chosen earlier in this tab or in this browser, or a pleasant one that this tab keeps. */
export function first_person(): Person {
  const known = clean_name(stored(() => sessionStorage)) || clean_name(stored(() => localStorage));
  const name = known || `${pick(adjectives)} ${pick(animals)}`;
  if (!known) keep(() => sessionStorage, name);
  return { name, color: pick(colors) };
}

/** True once the user has said how to be called; until then the name of the session with the node is better. */
export function name_was_chosen(): boolean {
  return clean_name(stored(() => localStorage)) !== "";
}

export function choose_name(name: string): void {
  keep(() => sessionStorage, name);
  keep(() => localStorage, name);
}

function keep(storage: () => Storage, name: string): void {
  try {
    storage().setItem(name_key, name);
  } catch {
    // It holds until the page is left.
  }
}

/** A colour that nobody else here uses, or the present one if it is free or if there is no other. */
export function free_color(awareness: Awareness): string {
  const mine = clean_person(awareness.getLocalState()?.["user"]).color;
  const taken = new Set<string>();
  for (const [client_id, state] of awareness.getStates()) {
    if (client_id !== awareness.clientID) taken.add(clean_person(state["user"]).color);
  }
  if (!taken.has(mine)) return mine;
  const free = colors.filter((color) => !taken.has(color));
  return free.length > 0 ? pick(free) : mine;
}

export function set_me(awareness: Awareness, change: Partial<Person>): void {
  const me = clean_person(awareness.getLocalState()?.["user"]);
  awareness.setLocalStateField("user", { ...me, ...change });
}

function read_present(awareness: Awareness): Present[] {
  const people: Present[] = [];
  for (const [client_id, state] of awareness.getStates()) {
    const is_me = client_id === awareness.clientID;
    // A client that says nothing of a user (a script, say) is no person to greet.
    if (!is_me && !state["user"]) continue;
    people.push({ client_id, is_me, ...clean_person(state["user"]) });
  }
  return people.sort((a, b) => Number(b.is_me) - Number(a.is_me) || a.client_id - b.client_id);
}

/** Everybody in the document, oneself first. Moving cursors do not cause a new value. */
export class People {
  private present_: readonly Present[];
  private key_: string;

  constructor(private readonly awareness_: Awareness) {
    this.present_ = read_present(awareness_);
    this.key_ = JSON.stringify(this.present_);
  }

  readonly get = (): readonly Present[] => this.present_;

  readonly subscribe = (listener: () => void): (() => void) => {
    const on_change = (): void => {
      const present = read_present(this.awareness_);
      const key = JSON.stringify(present);
      if (key === this.key_) return;
      this.present_ = present;
      this.key_ = key;
      listener();
    };
    this.awareness_.on("change", on_change);
    on_change();
    return () => this.awareness_.off("change", on_change);
  };
}

export function use_people(people: People): readonly Present[] {
  return useSyncExternalStore(people.subscribe, people.get);
}

export function initials(name: string): string {
  const words = name.split(" ").filter((word) => word !== "");
  const first = [...(words[0] ?? "?")][0] ?? "?";
  const last = words.length > 1 ? ([...(words.at(-1) ?? "")][0] ?? "") : "";
  return (first + last).toUpperCase();
}
