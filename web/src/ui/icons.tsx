// Line icons, 20 × 20, drawn in the colour of the text around them. They are decoration: every button has a label.

import type { ReactNode } from "react";

function icon(paths: ReactNode): ReactNode {
  return (
    <svg
      className="icon"
      viewBox="0 0 20 20"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.5"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      {paths}
    </svg>
  );
}

export const undo = icon(<path d="M7.5 5 4 8.5 7.5 12M4.5 8.5h7a4 4 0 0 1 0 8H9" />);
export const redo = icon(<path d="M12.5 5 16 8.5 12.5 12M15.5 8.5h-7a4 4 0 0 0 0 8H11" />);
export const code = icon(<path d="m7 6-4 4 4 4M13 6l4 4-4 4" />);
export const link = icon(
  <path d="M8.5 11.5a3 3 0 0 0 4.3 0l2.8-2.8a3.04 3.04 0 0 0-4.3-4.3l-1 1M11.5 8.5a3 3 0 0 0-4.3 0l-2.8 2.8a3.04 3.04 0 0 0 4.3 4.3l1-1" />,
);
export const bullets = icon(
  <>
    <path d="M8 5.5h9M8 10h9M8 14.5h9" />
    <path d="M4 5.5h.01M4 10h.01M4 14.5h.01" strokeWidth="2.4" />
  </>,
);
export const numbers = icon(
  <>
    <path d="M9 5.5h8M9 10h8M9 14.5h8" />
    <path d="M3.4 4.4 4.6 3.8v4M3.2 12.6c.3-.6 1-.8 1.6-.6.8.3.8 1.2.2 1.8l-1.8 2h2.2" strokeWidth="1.2" />
  </>,
);
export const quote = icon(
  <path d="M8.5 6.5C6 7.2 4.8 8.8 4.8 11.2v2.3h3.7v-3.7H6.4M16 6.5c-2.5.7-3.7 2.3-3.7 4.7v2.3H16v-3.7h-2.1" />,
);
export const code_block = icon(
  <>
    <rect x="3" y="4" width="14" height="12" rx="2" />
    <path d="m8 8-2 2 2 2M12 8l2 2-2 2" />
  </>,
);
export const share = icon(
  <>
    <path d="M10 12.5V3.5M6.8 6.3 10 3.1l3.2 3.2" />
    <path d="M6 9H5a1.5 1.5 0 0 0-1.5 1.5V15A1.5 1.5 0 0 0 5 16.5h10a1.5 1.5 0 0 0 1.5-1.5v-4.5A1.5 1.5 0 0 0 15 9h-1" />
  </>,
);
export const check = icon(<path d="m4.5 10.5 3.5 3.5 7.5-8" />);
export const close = icon(<path d="m5.5 5.5 9 9M14.5 5.5l-9 9" />);
export const sun = icon(
  <>
    <circle cx="10" cy="10" r="3" />
    <path d="M10 2.5v1.5M10 16v1.5M2.5 10H4M16 10h1.5M4.7 4.7l1 1M14.3 14.3l1 1M4.7 15.3l1-1M14.3 5.7l1-1" />
  </>,
);
export const moon = icon(<path d="M16 11.6A6.5 6.5 0 0 1 8.4 4a6.5 6.5 0 1 0 7.6 7.6Z" />);
export const half = icon(
  <>
    <circle cx="10" cy="10" r="6.5" />
    <path d="M10 3.5a6.5 6.5 0 0 1 0 13Z" fill="currentColor" />
  </>,
);
export const page = icon(
  <>
    <path d="M5.5 3h6l3.5 3.5V16a1 1 0 0 1-1 1h-8.5a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1Z" />
    <path d="M7.5 10h5M7.5 13h3.5" />
  </>,
);
export const plain = icon(<path d="M4 5h12M4 10h12M4 15h7" />);
export const rich = icon(<path d="M4.5 5.5V4.2h11v1.3M10 4.2v11.6M8 15.8h4" />);
export const search = icon(
  <>
    <circle cx="9" cy="9" r="5" />
    <path d="m13 13 3.5 3.5" />
  </>,
);
/** The mark: an open book, as a sheet folded three times makes eight leaves. */
export const mark = (
  <svg className="mark" viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="1.6" aria-hidden="true">
    <path
      d="M12 6.5C9.9 5.2 7.3 4.6 4 4.6v12.8c3.3 0 5.9.6 8 1.9 2.1-1.3 4.7-1.9 8-1.9V4.6c-3.3 0-5.9.6-8 1.9Z"
      strokeLinejoin="round"
    />
    <path d="M12 6.5v12.8" />
  </svg>
);
