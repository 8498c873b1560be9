// The smallest store that React can subscribe to: an immutable value and those who want to hear of the next one.

import { useSyncExternalStore } from "react";

export class Store<State extends object> {
  private state_: State;
  private readonly listeners_ = new Set<() => void>();

  constructor(initial: State) {
    this.state_ = initial;
  }

  readonly get = (): State => this.state_;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners_.add(listener);
    return () => this.listeners_.delete(listener);
  };

  /** Tells the listeners only if a field really changed. */
  set(change: Partial<State>): void {
    const keys = Object.keys(change) as (keyof State)[];
    if (keys.every((key) => Object.is(this.state_[key], change[key]))) return;
    this.state_ = { ...this.state_, ...change };
    for (const listener of this.listeners_) listener();
  }
}

export function use_store<State extends object>(store: Store<State>): State {
  return useSyncExternalStore(store.subscribe, store.get);
}
