import { type ReactNode, useEffect, useState } from "react";
import { get_node, get_place, type NodeInfo, type Place } from "../api";

/** How often it is asked where the document is, in a cluster: it moves while people type. */
const place_interval_ms = 5_000;

/** Which node serves the page and, in a cluster, which one owns the document. */
export function Footer({ children, document_name }: { readonly children?: ReactNode; readonly document_name?: string }) {
  const [node, set_node] = useState<NodeInfo | null>(null);
  const [place, set_place] = useState<Place | null>(null);
  useEffect(() => {
    let gone = false;
    get_node().then(
      (info) => {
        if (!gone) set_node(info);
      },
      () => undefined,
    );
    return () => {
      gone = true;
    };
  }, []);
  useEffect(() => {
    if (document_name === undefined) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let gone = false;
    const look = async () => {
      const found = await get_place(document_name).catch(() => null);
      if (gone) return;
      set_place(found);
      // A node that is alone stays so.
      if (found === null || found.shard !== null) timer = setTimeout(look, place_interval_ms);
    };
    void look();
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, [document_name]);
  const where = place === null || place.shard === null ? "" : ` · document on ${place.owner ?? "no node"}`;
  return (
    <footer className="footer">
      <span>{children}</span>
      <span className="footer-node">{node ? `octavo ${node.version} · ${node.node}${where}` : "octavo"}</span>
    </footer>
  );
}
