/** Rows as comma-separated text (RFC 4180), as bytes of a file. */
export function csvFile(heading: readonly string[], rows: Iterable<readonly (string | number | null)[]>): Uint8Array<ArrayBuffer> {
  const lines = [heading.join(",")];
  for (const row of rows) lines.push(row.map(cell).join(","));
  return new TextEncoder().encode(`${lines.join("\r\n")}\r\n`);
}

function cell(value: string | number | null): string {
  if (value === null || (typeof value === "number" && Number.isNaN(value))) return "";
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
