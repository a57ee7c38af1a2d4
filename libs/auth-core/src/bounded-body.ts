/**
 * Reads a response's body up to a limit.
 * @param limit bytes
 * @throws {RangeError} for a longer one; the rest is not read
 */
export async function boundedBody(response: Response, limit: number): Promise<Buffer> {
  if (response.body === null) return Buffer.alloc(0);
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body) {
    size += chunk.length;
    if (size > limit) throw new RangeError(`the answer is longer than ${String(limit)} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
