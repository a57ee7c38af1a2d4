// A child process of the revoke benchmark: a validator with its own feed, verifying tokens all the time, that says when one is refused.
import { createApiKeyVerifier, createVerifier, looksLikeApiKey, TokenError } from '@countersign/auth-core';
import { startRevocationFeed } from '@countersign/revocation-feed';
import { connect } from '@nats-io/transport-node';
import { z } from 'zod';
import { type ValidatorMessage } from './validator-message.js';

const settingsSchema = z.object({
  issuer: z.string(),
  nats: z.string(),
  user: z.string(),
  password: z.string(),
  /** Verifications a millisecond, beside the watched token. */
  load: z.number(),
  /** With which this service, `payments`, exchanges API keys. */
  clientKey: z.looseObject({ kty: z.string(), kid: z.string(), alg: z.string(), d: z.string() }),
});
/** A token or an API key. */
const orderSchema = z.object({ watch: z.string() });

const tell = (message: ValidatorMessage): void => void process.send?.(message);

/** @param verify throws for what is not good */
function isRefusedBy(verify: () => unknown): boolean {
  try {
    verify();
    return false;
  } catch (error) {
    if (error instanceof TokenError && error.code === 'TOKEN_REVOKED') return true;
    throw error;
  }
}

async function run(): Promise<void> {
  const { issuer, nats, user, password, load, clientKey } = settingsSchema.parse(
    JSON.parse(process.env['REVOKE_VALIDATOR'] ?? ''),
  );
  const feed = startRevocationFeed({
    issuer,
    connect: () => connect({ servers: nats, user, pass: password, inboxPrefix: `_INBOX_${user}` }),
  });
  await feed.loaded;
  const verifier = await createVerifier({ issuer, audience: 'payments', revocations: feed });
  const onUsage = (): Promise<void> => Promise.resolve();
  const keys = await createApiKeyVerifier({ issuer, audience: 'payments', clientKey, verifier, onUsage });
  const isRefused = (text: string): boolean =>
    isRefusedBy(() => (looksLikeApiKey(text) ? keys.recall(text, undefined) : verifier.verify(text)));
  let watched: string | undefined;
  let busyWith: string | undefined;
  async function watch(text: string): Promise<void> {
    // A key is exchanged first; from then on it is decided here.
    if (looksLikeApiKey(text)) await keys.identify(text, undefined);
    if (isRefused(text)) tell({ failed: 'it was refused before it was revoked' });
    busyWith ??= text;
    watched = text;
    tell({ watching: true });
  }
  process.on('message', (message) => {
    watch(orderSchema.parse(message).watch).catch((error: unknown) => {
      tell({ failed: String(error) });
    });
  });
  setInterval(() => {
    if (watched !== undefined && isRefused(watched)) {
      tell({ refusedAt: String(process.hrtime.bigint()) });
      if (busyWith === watched) busyWith = undefined;
      watched = undefined;
    }
    const token = busyWith ?? watched;
    for (let count = 0; token !== undefined && count < load; count += 1) {
      if (isRefused(token)) {
        busyWith = undefined;
        break;
      }
    }
  }, 1);
  tell({ ready: true });
}

await run();
