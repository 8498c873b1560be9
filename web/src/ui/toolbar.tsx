// A row of buttons that is one stop for the Tab key; the arrow keys move within it, as ARIA's practice for toolbars says.

import { type KeyboardEvent, type ReactNode, useRef } from "react";
import { keys_text, type ToolbarItem } from "../editors/items";

interface Props {
  readonly items: readonly ToolbarItem[];
  readonly label: string;
  /** What an item has opened, placed under the row. */
  readonly children?: ReactNode;
}

export function Toolbar({ items, label, children }: Props) {
  const row = useRef<HTMLDivElement>(null);

  const on_key = (event: KeyboardEvent): void => {
    const buttons = [...(row.current?.querySelectorAll("button") ?? [])];
    const at = buttons.indexOf(event.target as HTMLButtonElement);
    const last = buttons.length - 1;
    const targets: Record<string, number> = {
      ArrowRight: at === last ? 0 : at + 1,
      ArrowLeft: at === 0 ? last : at - 1,
      Home: 0,
      End: last,
    };
    const target = targets[event.key];
    if (at < 0 || target === undefined) return;
    event.preventDefault();
    for (const button of buttons) button.tabIndex = -1;
    const next = buttons[target];
    if (!next) return;
    next.tabIndex = 0;
    next.focus();
  };

  return (
    <div className="toolbar">
      <div className="toolbar-row" role="toolbar" aria-label={label} ref={row} onKeyDown={on_key}>
        {items.map((item, index) => (
          <button
            key={item.id}
            type="button"
            data-item={item.id}
            className={item.gap ? "tool tool-gap" : "tool"}
            tabIndex={index === 0 ? 0 : -1}
            title={`${item.label} (${keys_text(item.keys)})`}
            aria-label={item.label}
            aria-pressed={item.active}
            // Not `disabled`: a disabled button would drop the focus that the arrow keys have put there.
            aria-disabled={item.disabled || undefined}
            // The text keeps its focus and its selection.
            onMouseDown={(event) => event.preventDefault()}
            onClick={() => {
              if (!item.disabled) item.run();
            }}
          >
            {item.face}
          </button>
        ))}
      </div>
      {children}
    </div>
  );
}
