// Takes a pasted token to the node, which answers with a cookie. The token stays in this form's memory only.

import { type FormEvent, useId, useState } from "react";

export function SignInForm({ on_token }: { readonly on_token: (token: string) => Promise<void> }) {
  const [token, set_token] = useState("");
  const [problem, set_problem] = useState<string | null>(null);
  const [busy, set_busy] = useState(false);
  const problem_id = useId();

  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    const wanted = token.trim();
    if (wanted === "" || busy) return;
    set_busy(true);
    set_problem(null);
    try {
      await on_token(wanted);
      set_token("");
    } catch (error) {
      set_problem(error instanceof Error ? error.message : String(error));
    } finally {
      set_busy(false);
    }
  };

  return (
    <form className="sign-in" onSubmit={(event) => void submit(event)}>
      <input
        type="password"
        autoComplete="off"
        aria-label="Access token"
        placeholder="Paste an access token"
        aria-invalid={problem !== null}
        aria-describedby={problem ? problem_id : undefined}
        value={token}
        onChange={(event) => set_token(event.target.value)}
      />
      <button type="submit" className="button button-primary" disabled={busy || token.trim() === ""}>
        {busy ? "Signing in…" : "Sign in"}
      </button>
      {problem && (
        <p className="form-problem" role="alert" id={problem_id}>
          {problem}
        </p>
      )}
    </form>
  );
}
