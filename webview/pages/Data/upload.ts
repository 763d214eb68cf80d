/** Files that the page was given: sent to the engine piece by piece, because nobody tells a page where they lie. */
import type { Transport } from "../../transport.ts";

const PIECE = 480 * 1024;
const AT_ONCE = 32 * 1024;

/** Send files; gives the paths that an import takes. `onProgress` hears bytes sent and bytes in all. */
export async function uploadFiles(
  transport: Transport,
  files: readonly File[],
  signal: AbortSignal,
  onProgress: (sent: number, total: number) => void,
): Promise<string[]> {
  const total = files.reduce((sum, { size }) => sum + size, 0);
  let sent = 0;
  const paths: string[] = [];
  for (const file of files) {
    let upload: string | null = null;
    let path = "";
    for (let offset = 0; offset === 0 || offset < file.size; offset += PIECE) {
      const bytes = new Uint8Array(await file.slice(offset, offset + PIECE).arrayBuffer());
      const reply: { upload: string; path: string } = await transport.call(
        "uploadFile",
        { body: { upload, name: file.name, offset, data: base64(bytes) } },
        signal,
      );
      ({ upload, path } = reply);
      sent += bytes.length;
      onProgress(sent, total);
    }
    paths.push(path);
  }
  return paths;
}

function base64(bytes: Uint8Array): string {
  let text = "";
  for (let start = 0; start < bytes.length; start += AT_ONCE) text += String.fromCharCode(...bytes.subarray(start, start + AT_ONCE));
  return btoa(text);
}
