// What the server says about its documents over HTTP.

/** The entry of one document in /api/documents, or undefined. */
export async function document_info(server, name) {
  const query = new URLSearchParams({ prefix: name, limit: "100" });
  const answer = await fetch(`${server.http_url}/api/documents?${query}`, { signal: AbortSignal.timeout(5_000) });
  if (!answer.ok) throw new Error(`/api/documents answered ${answer.status}: ${await answer.text()}`);
  const { documents } = await answer.json();
  return documents.find((entry) => entry.name === name);
}

/** The sequence number of a document's last edit; 0 for one that has none. */
export async function sequence_of(server, name) {
  return (await document_info(server, name))?.seq ?? 0;
}

/** One value of /metrics, or the sum over its labels; undefined when there is none of that name. */
export async function metric(server, name) {
  const answer = await fetch(`${server.http_url}/metrics`, { signal: AbortSignal.timeout(5_000) });
  const lines = (await answer.text())
    .split("\n")
    .filter((line) => line.startsWith(name) && /[ {]/.test(line[name.length]));
  return lines.length === 0
    ? undefined
    : lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
}
