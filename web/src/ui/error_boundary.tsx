import { Component, type ReactNode } from "react";

interface State {
  readonly error: Error | null;
}

/** A broken view says so instead of leaving a white page. The connection goes on: edits made so far still go out. */
export class ErrorBoundary extends Component<{ readonly children: ReactNode }, State> {
  override state: State = { error: null };

  static getDerivedStateFromError(error: unknown): State {
    return { error: error instanceof Error ? error : new Error(String(error)) };
  }

  override render(): ReactNode {
    const { error } = this.state;
    if (!error) return this.props.children;
    return (
      <main className="card-page">
        <div className="card" role="alert">
          <h1>Something broke on this page</h1>
          <p>
            What you wrote is kept: it is sent as long as this page stays open, and what was saved is on the server.
          </p>
          <pre className="card-detail">{error.message}</pre>
          <button type="button" className="button button-primary" onClick={() => location.reload()}>
            Load the page again
          </button>
        </div>
      </main>
    );
  }
}
