const HEAD_END = Buffer.from('\r\n\r\n');
const OK = Buffer.from('HTTP/1.1 200');
const ACCESS_TOKEN = Buffer.from('"access_token"');
const LENGTH = /content-length: /i;

/**
 * Reads the answers of one connection that is kept, one at a time, as bytes: what asks must cost as little as it can, because it shares its core
 * with the database.
 */
export class AnswerReader {
  /** The header as this server writes it, once it is known. */
  #header: Buffer | undefined;
  /** What came of an answer that is not complete yet. */
  #part: Buffer | undefined;

  /**
   * @param memory where the server's bytes are, up to `length`; it may be written over afterwards
   * @returns the whole answer once it is there, in the same memory where it came in one piece
   * @throws an answer without `content-length`
   */
  take(memory: Uint8Array, length: number): Buffer | undefined {
    const came = Buffer.from(memory.buffer, memory.byteOffset, length);
    const bytes = this.#part === undefined ? came : Buffer.concat([this.#part, came]);
    const end = bytes.indexOf(HEAD_END);
    if (end !== -1 && bytes.length >= end + HEAD_END.length + this.#lengthIn(bytes, end)) {
      this.#part = undefined;
      return bytes;
    }
    this.#part = bytes === came ? Buffer.from(came) : bytes;
    return undefined;
  }

  #lengthIn(bytes: Buffer, end: number): number {
    if (this.#header === undefined) {
      const [found] = LENGTH.exec(bytes.toString('latin1', 0, end)) ?? [];
      if (found === undefined) throw new Error('an answer has no content-length');
      this.#header = Buffer.from(found);
    }
    const header = bytes.indexOf(this.#header);
    if (header === -1 || header > end) throw new Error('an answer has no content-length');
    let length = 0;
    for (let at = header + this.#header.length; ; at += 1) {
      const digit = (bytes[at] ?? 0) - 48;
      if (digit < 0 || digit > 9) return length;
      length = length * 10 + digit;
    }
  }
}

/** Whether an answer of a token endpoint has a token. */
export function isToken(answer: Buffer): boolean {
  return answer.compare(OK, 0, OK.length, 0, OK.length) === 0 && answer.includes(ACCESS_TOKEN);
}

/** The refresh token of an answer, where it has one. */
export function refreshTokenIn(answer: Buffer): readonly string[] {
  const [, token] = /"refresh_token":"([^"]+)"/.exec(answer.toString('latin1')) ?? [];
  return token === undefined ? [] : [token];
}
