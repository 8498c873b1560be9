// Faces of who is here, oneself last; one's own opens a small form for the name.

import { type FormEvent, type KeyboardEvent, useRef, useState, useSyncExternalStore } from "react";
import type { Awareness } from "y-protocols/awareness";
import { sign_out } from "../api";
import { choose_name, clean_name, initials, type Present, set_me } from "../document/people";

const faces_max_wide = 5;
const faces_max_narrow = 2;
const narrow = matchMedia("(max-width: 40rem)");

function on_narrow_change(listener: () => void): () => void {
  narrow.addEventListener("change", listener);
  return () => narrow.removeEventListener("change", listener);
}

interface Props {
  readonly people: readonly Present[];
  readonly awareness: Awareness;
  /** The user of the session with the node, if there is one. */
  readonly user: string | null;
  readonly signed_in: boolean;
}

export function PeopleList({ people, awareness, user, signed_in }: Props) {
  const faces_max = useSyncExternalStore(on_narrow_change, () => (narrow.matches ? faces_max_narrow : faces_max_wide));
  const [editing, set_editing] = useState(false);
  const opener = useRef<HTMLButtonElement>(null);
  // The form takes the focus with it when it goes.
  const close_form = (): void => {
    set_editing(false);
    opener.current?.focus();
  };
  const me = people.find((person) => person.is_me);
  const others = people.filter((person) => !person.is_me);
  const shown = others.slice(0, others.length > faces_max ? faces_max - 1 : faces_max);
  const hidden = others.slice(shown.length);

  return (
    <div className="people">
      <ul className="faces" aria-label="People in this document">
        {shown.map((person) => (
          <li key={person.client_id}>
            <Face person={person} />
          </li>
        ))}
        {hidden.length > 0 && (
          <li>
            <span
              className="face face-more"
              role="img"
              aria-label={`and ${hidden.length} more`}
              title={hidden.map((person) => person.name).join(", ")}
            >
              +{hidden.length}
            </span>
          </li>
        )}
        {me && (
          <li>
            <button
              ref={opener}
              type="button"
              className="face-button"
              aria-label={`You are ${me.name}. Change your name.`}
              aria-expanded={editing}
              title={`${me.name} (you)`}
              onClick={() => set_editing(!editing)}
            >
              <span className="face" style={{ backgroundColor: me.color }}>
                {initials(me.name)}
              </span>
            </button>
          </li>
        )}
      </ul>
      <span className="visually-hidden" aria-live="polite">
        {others.length === 0 ? "You are alone here" : `${others.length + 1} people are here`}
      </span>
      {editing && me && (
        <NameForm
          name={me.name}
          user={user}
          signed_in={signed_in}
          on_name={(name) => {
            choose_name(name);
            set_me(awareness, { name });
            close_form();
          }}
          on_cancel={close_form}
        />
      )}
    </div>
  );
}

function Face({ person }: { readonly person: Present }) {
  return (
    <span
      className="face"
      role="img"
      aria-label={person.name}
      title={person.name}
      style={{ backgroundColor: person.color }}
    >
      {initials(person.name)}
    </span>
  );
}

interface NameFormProps {
  readonly name: string;
  readonly user: string | null;
  readonly signed_in: boolean;
  readonly on_name: (name: string) => void;
  readonly on_cancel: () => void;
}

function NameForm({ name, user, signed_in, on_name, on_cancel }: NameFormProps) {
  const [wanted, set_wanted] = useState(name);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const cleaned = clean_name(wanted);
    if (cleaned !== "") on_name(cleaned);
  };
  const on_key = (event: KeyboardEvent): void => {
    if (event.key === "Escape") on_cancel();
  };
  return (
    <form className="popover name-form" onSubmit={submit} onKeyDown={on_key}>
      <label htmlFor="own-name">Your name, as others see it</label>
      <div className="form-row">
        <input
          id="own-name"
          type="text"
          maxLength={40}
          value={wanted}
          autoFocus
          autoComplete="nickname"
          onFocus={(event) => event.target.select()}
          onChange={(event) => set_wanted(event.target.value)}
        />
        <button type="submit" className="button button-primary" disabled={clean_name(wanted) === ""}>
          Save
        </button>
      </div>
      {signed_in && (
        <div className="signed-in">
          {user === null ? "Signed in" : `Signed in as ${user}`}
          <button
            type="button"
            className="button button-small"
            onClick={() => void sign_out().finally(() => location.reload())}
          >
            Sign out
          </button>
        </div>
      )}
    </form>
  );
}
