// Entry: signs in with a token from the address if there is one, then shows the list or one document.

import "@fontsource-variable/inter/wght.css";
import "@fontsource-variable/source-serif-4/wght.css";
import "@fontsource-variable/source-serif-4/wght-italic.css";
import "./styles/base.css";
import "./styles/controls.css";
import "./styles/layout.css";
import "./styles/writing.css";

import { createRoot } from "react-dom/client";
import { sign_in } from "./api";
import { People, first_person, set_me } from "./document/people";
import { DocumentSession } from "./document/session";
import { DocumentPage } from "./document_page";
import { expose } from "./editors/expose";
import { HomePage } from "./home_page";
import { type Route, name_problem, read_route, take_token } from "./route";
import { ErrorBoundary } from "./ui/error_boundary";

function open_document(route: Route, name: string) {
  const session = new DocumentSession(name);
  set_me(session.awareness, first_person());
  session.start();
  expose({ doc: session.doc, provider: session.provider, session });
  return <DocumentPage route={route} session={session} people={new People(session.awareness)} />;
}

function BadName({ problem }: { readonly problem: string }) {
  return (
    <main className="card-page">
      <div className="card" role="alert">
        <h1>No such document</h1>
        <p>{problem}</p>
        <a className="button" href="/">
          All documents
        </a>
      </div>
    </main>
  );
}

async function main(): Promise<void> {
  const token = take_token();
  // A token that the node refuses is told by the sign-in form, which appears where one is needed.
  if (token) await sign_in(token).catch((error: unknown) => console.warn("octavo: the token was not accepted:", error));

  // A link with a token, opened where the page is open already, changes nothing but the part after the `#`.
  window.addEventListener("hashchange", () => {
    if (location.hash.startsWith("#token=")) location.reload();
  });

  const route = read_route();
  const problem = route.name === null ? null : name_problem(route.name);
  let view = <HomePage />;
  if (problem) view = <BadName problem={problem} />;
  else if (route.name !== null) view = open_document(route, route.name);
  createRoot(document.getElementById("root") as HTMLElement).render(<ErrorBoundary>{view}</ErrorBoundary>);
}

void main();
