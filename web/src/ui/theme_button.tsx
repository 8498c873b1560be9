// Light, dark, or what the system says. public/theme.js applies the choice before the first paint.

import { useState } from "react";
import * as icon from "./icons";

type Theme = "system" | "light" | "dark";

const key = "octavo.theme";
const next: Record<Theme, Theme> = { system: "light", light: "dark", dark: "system" };
const faces = { system: icon.half, light: icon.sun, dark: icon.moon };
const names = { system: "as the system", light: "light", dark: "dark" };

function read_theme(): Theme {
  const theme = document.documentElement.dataset["theme"];
  return theme === "light" || theme === "dark" ? theme : "system";
}

function apply_theme(theme: Theme): void {
  if (theme === "system") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = theme;
  try {
    if (theme === "system") localStorage.removeItem(key);
    else localStorage.setItem(key, theme);
  } catch {
    // It holds until the page is left.
  }
}

export function ThemeButton() {
  const [theme, set_theme] = useState(read_theme);
  const label = `Colours: ${names[theme]}. Switch to ${names[next[theme]]}.`;
  return (
    <button
      type="button"
      className="icon-button"
      aria-label={label}
      title={label}
      onClick={() => {
        apply_theme(next[theme]);
        set_theme(next[theme]);
      }}
    >
      {faces[theme]}
    </button>
  );
}
