import { z } from 'zod';

export interface Answer {
  readonly status: number;
  /** The members of a JSON object; none when it was something else. */
  readonly body: Readonly<Record<string, unknown>>;
}

const bodySchema = z.record(z.string(), z.unknown());

/** Asks once. @throws when nobody answers within five seconds */
export async function ask(
  method: 'GET' | 'POST',
  url: string,
  token: string,
  body?: object,
  idempotencyKey?: string,
): Promise<Answer> {
  const response = await fetch(url, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(5_000),
  });
  const parsed = bodySchema.safeParse(await response.json().catch(() => ({})));
  return { status: response.status, body: parsed.data ?? {} };
}

/** All pages of a list, by `next_cursor`. @throws when a page is not answered with 200 */
export async function allPages<Item>(
  url: string,
  token: () => Promise<string>,
  items: z.ZodType<readonly Item[]>,
  member: string,
): Promise<readonly Item[]> {
  const all: Item[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const separator: string = url.includes('?') ? '&' : '?';
    const page = `${url}${separator}limit=200${cursor === '' ? '' : `&cursor=${cursor}`}`;
    const { status, body } = await ask('GET', page, await token());
    if (status !== 200) throw new Error(`GET ${page} was answered with ${String(status)}`);
    all.push(...items.parse(body[member]));
    cursor = z.string().nullable().parse(body['next_cursor']);
  }
  return all;
}
