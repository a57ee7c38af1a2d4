/** The parts of Jest's or Vitest's matcher context that {@link countersignMatchers} use. */
interface MatcherAnswer {
  readonly pass: boolean;
  readonly message: () => string;
}

function member(value: unknown, name: string): unknown {
  return (typeof value === 'object' || typeof value === 'function') && value !== null && name in value
    ? Reflect.get(value, name)
    : undefined;
}

/** The document of a response: fetch's `Response`, Fastify's injected answer, supertest's response, or the document itself. */
async function documentOf(answer: unknown): Promise<unknown> {
  if (answer instanceof Response)
    return answer
      .clone()
      .json()
      .catch(() => undefined) as Promise<unknown>;
  const read = member(answer, 'json');
  if (typeof read === 'function') return Promise.resolve(read.call(answer) as unknown).catch(() => undefined);
  return member(answer, 'body') ?? answer;
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

async function codeOfAnswer(answer: unknown): Promise<string | undefined> {
  const document = await documentOf(answer);
  const errors = member(document, 'errors');
  const [first]: readonly unknown[] = Array.isArray(errors) ? errors : [];
  const places = [document, member(document, 'err'), member(document, 'data'), member(first, 'extensions')];
  return places.map((place) => textOf(member(place, 'code'))).find((code) => code !== undefined);
}

async function refusalCode(received: unknown): Promise<string | undefined> {
  try {
    const value: unknown = typeof received === 'function' ? (received as () => unknown)() : received;
    return await codeOfAnswer(await Promise.resolve(value));
  } catch (error) {
    return textOf(member(error, 'code'));
  }
}

/**
 * Matchers for `expect.extend(countersignMatchers)`.
 *
 * `await expect(x).toBeRefusedWith('TOKEN_EXPIRED')`, where `x` is a function that throws, a promise, or a response: of `fetch`, of
 * Fastify's `inject`, of supertest, of a NATS handler, of GraphQL.
 */
export const countersignMatchers = {
  async toBeRefusedWith(received: unknown, code: string): Promise<MatcherAnswer> {
    const found = await refusalCode(received);
    return {
      pass: found === code,
      message: () =>
        found === code
          ? `expected not to be refused with ${code}`
          : `expected to be refused with ${code}, but ${found === undefined ? 'was not refused' : `the code is ${found}`}`,
    };
  },
};

declare global {
  namespace jest {
    interface Matchers<R> {
      /** @see countersignMatchers */
      toBeRefusedWith(code: string): Promise<R>;
    }
  }
}
