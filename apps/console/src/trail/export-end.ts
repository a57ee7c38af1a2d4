/** Maximum characters of an export's last line: its checkpoint, and hashes up to that. */
const LINE_LIMIT = 64 * 1024;

/** How an export ended: complete, incomplete, or without its last line because it was cut off. */
export type ExportEnd = 'complete' | 'partial' | 'cut-off';

/** @param line the last line of an export, as NDJSON or CSV, in which quotes are doubled */
export function exportEndOf(line: string): ExportEnd {
  const complete = /^(?:\{"end":|#end,).*"complete"{1,2}:(true|false),/.exec(line)?.[1];
  if (complete === undefined) return 'cut-off';
  return complete === 'true' ? 'complete' : 'partial';
}

/** Remembers the last line of a text that comes in parts. */
export class LastLine {
  readonly #decoder = new TextDecoder();
  #text = '';

  add(part: Uint8Array<ArrayBuffer>): void {
    const text = this.#text + this.#decoder.decode(part, { stream: true });
    const begin = text.trimEnd().lastIndexOf('\n') + 1;
    this.#text = text.slice(Math.max(begin, text.length - LINE_LIMIT));
  }

  get text(): string {
    return this.#text.trimEnd();
  }
}
