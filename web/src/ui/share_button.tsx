import { useEffect, useState } from "react";
import { document_href, type Kind } from "../route";
import * as icon from "./icons";

const confirmed_ms = 2_500;

async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Without TLS on another host than this one a browser has no clipboard interface; the old way works there.
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "visually-hidden";
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}

export function ShareButton({ name, kind }: { readonly name: string; readonly kind: Kind | null }) {
  const [result, set_result] = useState<"copied" | "failed" | null>(null);
  useEffect(() => {
    if (!result) return;
    const timer = setTimeout(() => set_result(null), confirmed_ms);
    return () => clearTimeout(timer);
  }, [result]);

  const share = async (): Promise<void> => {
    const address = new URL(document_href(name, kind), location.origin).href;
    set_result((await copy(address)) ? "copied" : "failed");
  };

  const text = { copied: "Link copied", failed: "Copy the address bar", none: "Share" }[result ?? "none"];
  return (
    <button
      type="button"
      className="button share-button"
      aria-label={result ? text : "Copy a link to this document"}
      onClick={() => void share()}
    >
      {result === "copied" ? icon.check : icon.share}
      <span className="share-text" aria-live="polite">
        {text}
      </span>
    </button>
  );
}
