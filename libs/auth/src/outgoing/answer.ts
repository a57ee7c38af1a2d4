/** A body as far as it may be read. */
export interface ReadAnswer {
  readonly body: unknown;
  readonly tooLarge: boolean;
}

function parsed(text: string, type: string): unknown {
  if (text === '') return undefined;
  if (!/^application\/(?:[\w.+-]+\+)?json\b/i.test(type)) return text;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/** Reads an answer up to a limit; JSON is parsed, anything else stays text. @param limit bytes */
export async function readAnswer(response: Response, limit: number): Promise<ReadAnswer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > limit) return { body: undefined, tooLarge: true };
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString('utf8');
  return { body: parsed(text, response.headers.get('content-type') ?? ''), tooLarge: false };
}
