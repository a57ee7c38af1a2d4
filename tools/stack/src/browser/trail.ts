import { setTimeout as delay } from 'node:timers/promises';
import { createTokenClient } from '@countersign/auth-core';
import { z } from 'zod';
import { type Stack } from '../stack.js';

const trailSchema = z.object({
  events: z.array(
    z.object({
      log_index: z.string(),
      event: z.looseObject({
        id: z.string(),
        source: z.string(),
        type: z.string(),
        data: z.looseObject({
          action: z.string(),
          outcome: z.string(),
          principal: z
            .looseObject({ subject: z.string(), client_id: z.string(), actors: z.array(z.string()) })
            .nullable(),
        }),
      }),
    }),
  ),
});
export type TrailEvent = z.infer<typeof trailSchema>['events'][number]['event'] & {
  /** Its place in the log. */
  readonly index: string;
};

/** Milliseconds that an event may take into the trail of a busy machine. */
const LIMIT_MS = 60_000;

/** The first event that the rule names among those that the query finds, as the auditor reads them; waits for it. */
export async function eventOf(
  { urls, identities }: Stack,
  query: string,
  rule: (event: TrailEvent) => boolean,
): Promise<TrailEvent> {
  const auditor = createTokenClient({ issuer: urls.issuer, clientId: 'auditor', key: identities.clients.auditor });
  for (const end = Date.now() + LIMIT_MS; ;) {
    const { token } = await auditor.getToken({ audience: 'audit', scopes: ['audit:read'] });
    const headers = { authorization: `Bearer ${token}` };
    const response = await fetch(`${urls.audit}/events?limit=200&${query}`, { headers });
    const events = trailSchema
      .parse(await response.json())
      .events.map(({ event, log_index: index }): TrailEvent => ({ ...event, index }));
    const found = events.find(rule);
    if (found !== undefined) return found;
    if (Date.now() > end) throw new Error(`not in the trail; it has: ${events.map(({ type }) => type).join(', ')}`);
    await delay(200);
  }
}
