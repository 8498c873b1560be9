import { type ReactNode, useEffect, useState } from "react";
import { get_node, type NodeInfo } from "../api";

export function Footer({ children }: { readonly children?: ReactNode }) {
  const [node, set_node] = useState<NodeInfo | null>(null);
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
  return (
    <footer className="footer">
      <span>{children}</span>
      <span className="footer-node">{node ? `octavo ${node.version} · ${node.node}` : "octavo"}</span>
    </footer>
  );
}
