import { z } from 'zod';
import { type Scene } from './fault.js';

/** A token that must be refused, and the code that it must be refused with. */
export interface FloodToken {
  readonly token: string;
  readonly code: string;
}

/** The services that are flooded, and a route of each that needs a token. */
const floodedServices = {
  payments: '/payments',
  accounts: '/accounts/00000000-0000-7000-8000-000000000000',
} as const;
export type FloodedService = keyof typeof floodedServices;

/** Senders to each service. */
const SENDERS = 8;

const problemSchema = z.looseObject({ code: z.string(), detail: z.string().default('') });

/**
 * Sends invalid tokens to payments and accounts, each sender the next one as soon as the last is answered. Each must be refused by its code, or,
 * once a service has had too many from here, by 429, which names that code too.
 * @param next the next token for a service
 * @param durationMs milliseconds
 * @returns the requests that were sent
 */
export async function flood(
  { stack, wrong }: Scene,
  next: (service: FloodedService) => FloodToken,
  durationMs: number,
): Promise<number> {
  const end = Date.now() + durationMs;
  let sent = 0;
  const send = async (service: FloodedService, path: string): Promise<void> => {
    while (Date.now() < end) {
      const { token, code } = next(service);
      sent += 1;
      try {
        const response = await fetch(`${stack.urls[service]}${path}`, {
          headers: { authorization: `Bearer ${token}` },
          signal: AbortSignal.timeout(5_000),
        });
        const problem = problemSchema.safeParse(await response.json()).data;
        const isRefused = response.status === 401 && problem?.code === code;
        const isTooMany =
          response.status === 429 && problem?.code === 'TOO_MANY_REFUSALS' && problem.detail.includes(`(${code})`);
        if (!isRefused && !isTooMany)
          wrong(
            `${service} answered ${String(response.status)} ${String(problem?.code)} to an invalid token instead of 401 ${code}`,
          );
      } catch (error) {
        wrong(`${service} left an invalid token unanswered: ${String(error)}`);
      }
    }
  };
  const senders = Array.from({ length: SENDERS }, () => [
    send('payments', floodedServices.payments),
    send('accounts', floodedServices.accounts),
  ]);
  await Promise.all(senders.flat());
  return sent;
}
