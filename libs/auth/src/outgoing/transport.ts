/** One request as sent. */
export interface TransportRequest {
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array | ReadableStream<Uint8Array> | undefined;
  /** Ends the request. */
  readonly signal: AbortSignal;
  /** Maximum bytes of the response that are read. */
  readonly answerLimit: number;
}

/** The response to one request. */
export interface TransportAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** Parsed JSON, text of another type, or undefined. */
  readonly body: unknown;
  readonly tooLarge: boolean;
}

/** Sends one request without following redirects; rejects when there is no response. */
export type Transport = (request: TransportRequest) => Promise<TransportAnswer>;

/** Parses a body. @returns parsed JSON, text of another type, undefined for an empty one */
export function parsedBody(text: string, type: string | null): unknown {
  if (text === '') return undefined;
  if (!/^application\/(?:[\w.+-]+\+)?json\b/i.test(type ?? '')) return text;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/** Skips a byte order mark (RFC 8259, section 8.1). */
const decoder = new TextDecoder();

/** @param send the process's own `fetch`, or one like it */
export function fetchTransport(send: typeof globalThis.fetch): Transport {
  return async ({ url, method, headers, body, signal, answerLimit }) => {
    const response = await send(url, {
      method,
      headers: { ...headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' || isStream(body) ? body : Buffer.from(body) }),
      ...(isStream(body) ? { duplex: 'half' as const } : {}),
      redirect: 'error',
      signal,
    });
    const answer = { status: response.status, headers: response.headers };
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of response.body ?? []) {
      size += chunk.length;
      if (size > answerLimit) return { ...answer, body: undefined, tooLarge: true };
      chunks.push(chunk);
    }
    const text = decoder.decode(Buffer.concat(chunks));
    return { ...answer, body: parsedBody(text, response.headers.get('content-type')), tooLarge: false };
  };
}

/** Whether a body can be sent only once. */
export function isStream(body: TransportRequest['body']): body is ReadableStream<Uint8Array> {
  return body instanceof ReadableStream;
}

/** Codes of failures before anything was sent. */
const unsent = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

function member(value: unknown, name: 'code' | 'cause'): unknown {
  return typeof value === 'object' && value !== null && name in value ? Reflect.get(value, name) : undefined;
}

/** Whether a failure proves that the request was not sent. */
export function wasNotSent(error: unknown): boolean {
  for (let [cause, depth]: [unknown, number] = [error, 0]; cause !== undefined && depth < 5; depth += 1) {
    if (cause instanceof AggregateError && cause.errors.length > 0) return cause.errors.every(wasNotSent);
    const code = member(cause, 'code');
    if (typeof code === 'string') return unsent.has(code);
    cause = member(cause, 'cause');
  }
  return false;
}
